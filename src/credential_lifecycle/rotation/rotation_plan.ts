import { type App, ROTATION_DEFAULTS } from '../../model/app.ts';
import { DAY, type Duration, MINUTE, type Timestamp } from '../../model/clock.ts';
import { appName } from '../../model/connection.ts';
import type { Credential } from '../../model/credential.ts';
import { ROTATION_STEPS, type Rotation, type RotationStep } from '../../model/rotation.ts';
import { newId } from './add_secret.ts';
import type { RotationPlan } from './rotations.ts';

export interface PlannedRotation {
  readonly app: App;
  readonly rotation: Rotation;
  readonly credentials: readonly Credential[];
}

/** As soon as a new secret is preferred, and the old one removed, where nothing comes between. */
const PROVING: Duration = 5 * MINUTE;
const WATCHING: Duration = DAY;

/** What is still to be done, in order, with the earliest times. */
export function planRotation(
  { app, rotation, credentials }: PlannedRotation,
  now: Timestamp,
): Pick<RotationPlan, 'plan' | 'newExpireTime'> {
  const idOf = (uid: string | undefined) => credentials.find((one) => one.uid === uid)?.credentialId;
  const fresh = credentials.find(({ uid }) => uid === rotation.newCredentialUid);
  const addTime = Math.max(now, rotation.nextTime);
  const { secretLife } = app.rotation ?? ROTATION_DEFAULTS;
  const newExpireTime = fresh?.expireTime ?? addTime + secretLife;
  const preferTime = fresh === undefined ? addTime + PROVING : Math.max(now, fresh.createTime + PROVING);
  // In PROVE it says since when Entra takes the new one.
  const watchTime = rotation.step === 'WATCH' ? (rotation.watchTime ?? now) : preferTime;
  const removeTime =
    rotation.step === 'REMOVE' ? Math.max(now, rotation.nextTime) : Math.max(now, watchTime + WATCHING);
  const next = fresh?.credentialId ?? newId(credentials, now);
  const old = idOf(rotation.oldCredentialUid) ?? 'the old one, which is gone here already,';
  const sentences: Readonly<Record<RotationStep, string>> = {
    ADD: `At ${minute(addTime)}: Graph is asked for a client secret of ${appName(app)} that ends on ${day(newExpireTime)}; it is stored as ${next}. Whether a policy of the directory allows it, shows only then.`,
    PROVE: `From ${minute(preferTime)} on: as soon as Entra takes ${next} at each try, it is presented first; ${old} stays as a fallback.`,
    WATCH: `Until ${minute(removeTime)}: ${next} is tried hourly; where Entra refuses it, the day begins anew.`,
    REMOVE: `From ${minute(removeTime)} on: ${old} is removed, at Entra and here.`,
  };
  const left = ROTATION_STEPS.slice(ROTATION_STEPS.indexOf(rotation.step));
  return { plan: left.map((step) => sentences[step]), newExpireTime };
}

/** RFC 3339, as people read it best. */
function minute(time: Timestamp): string {
  return `${new Date(time).toISOString().slice(0, 16)}Z`;
}

function day(time: Timestamp): string {
  return new Date(time).toISOString().slice(0, 10);
}
