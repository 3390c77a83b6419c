import type { Credential } from '../../model/app_credential.ts';
import { DAY, type Duration, MINUTE, type Timestamp } from '../../model/clock.ts';
import { appName } from '../../model/connection.ts';
import { datedCredentialId } from '../../model/dated_credential_id.ts';
import { type App, openingBefore, ROTATION_DEFAULTS } from '../../model/entra_app.ts';
import { ROTATION_STEPS, type Rotation, type RotationStep } from '../../model/secret_rotation.ts';

export interface PlannedRotation {
  readonly app: App;
  /** In progress; in a dry run, as it would start. */
  readonly rotation: Rotation;
  /** Of the app, in the order of adding. */
  readonly credentials: readonly Credential[];
}

/** The shortest time until the new one is preferred, and until the old one is removed. */
const PROVE_FOR: Duration = 5 * MINUTE;
const WATCH_FOR: Duration = DAY;

/** The remaining steps, in order, with their earliest times. */
export function planRotation({ app, rotation, credentials }: PlannedRotation, now: Timestamp) {
  const byUid = (uid: string | undefined) => credentials.find((one) => one.uid === uid);
  const oldCredential = byUid(rotation.oldCredentialUid);
  const oldEnd = oldCredential?.expireTime;
  const addTime = openingBefore(app, oldEnd, Math.max(now, rotation.nextTime));
  const newCredential = byUid(rotation.newCredentialUid);
  const { secretLife } = app.rotation ?? ROTATION_DEFAULTS;
  const newExpireTime = newCredential?.expireTime ?? addTime + secretLife;
  const preferTime = newCredential ? Math.max(now, newCredential.createTime + PROVE_FOR) : addTime + PROVE_FOR;
  // In PROVE, watchTime is the start of uninterrupted acceptance.
  const watchTime = rotation.step === 'WATCH' ? (rotation.watchTime ?? now) : preferTime;
  const watchedTime = Math.max(now, rotation.step === 'REMOVE' ? rotation.nextTime : watchTime + WATCH_FOR);
  const removeTime = openingBefore(app, undefined, watchedTime);
  const next = newCredential?.credentialId ?? datedCredentialId('rotated', credentials, now);
  const old = oldCredential?.credentialId ?? 'the old one, which was already removed here,';
  const sentences: Readonly<Record<RotationStep, string>> = {
    ADD: `At ${minute(addTime)}: add a ${oldCredential?.kind === 'CERTIFICATE' ? 'certificate' : 'client secret'} of ${appName(app)} that expires on ${day(newExpireTime)} through Microsoft Graph, and store it as ${next}. A policy of the directory may reject it then.`,
    PROVE: `From ${minute(preferTime)}: when Entra accepts ${next} consistently, it is presented first; ${old} stays as a fallback.`,
    WATCH: `Until ${minute(watchedTime)}: ${next} is checked hourly; if Entra rejects it, the day starts again.`,
    REMOVE: `From ${minute(removeTime)}: ${old} is removed, at Entra and here.`,
  };
  const left = ROTATION_STEPS.slice(ROTATION_STEPS.indexOf(rotation.step));
  return { plan: left.map((step) => sentences[step]), newExpireTime };
}

/** RFC 3339 without seconds. */
function minute(time: Timestamp): string {
  return `${new Date(time).toISOString().slice(0, 16)}Z`;
}

function day(time: Timestamp): string {
  return new Date(time).toISOString().slice(0, 10);
}
