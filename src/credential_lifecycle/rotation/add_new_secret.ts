import type { AddedPassword, RegisteredPassword } from '../../entra/app_registrations_interface.ts';
import { type NewCredential, unprobedCredential } from '../../model/app_credential.ts';
import { MINUTE, type Timestamp } from '../../model/clock.ts';
import { datedCredentialId } from '../../model/dated_credential_id.ts';
import { ROTATION_DEFAULTS } from '../../model/entra_app.ts';
import { isMarkerOfInstance, newMarker } from '../../model/secret_rotation.ts';
import type { RotationBlocker } from '../../model/secret_rotation_transition.ts';
import { unknownCredential } from '../matching/registration_mismatch_events.ts';
import { blockerOf, hintsOf, isRemoved } from './rotation_blocker_from_graph_failure.ts';
import type { RotationStepParts, RotationSubject, StepResult } from './rotation_dependencies.ts';

/** ADD: requests the new secret from Graph. Undefined: another replica runs this step. */
export async function addSecret(parts: RotationStepParts, subject: RotationSubject): Promise<StepResult | undefined> {
  const { stores, registrations, clock, newUid } = parts;
  const { app, credentials, old } = subject;
  if (old === undefined) return { subject, outcome: { kind: 'old_gone' } };
  // Claims the step for a minute. After an interrupted attempt, this also gives Graph's eventually consistent reads time to show its secret.
  const before = subject.rotation;
  const nextTime = clock.now() + MINUTE;
  const rotation = { ...before, marker: ownMarker(parts, subject), nextTime, version: before.version + 1 };
  if (!(await stores.rotations.advance({ before, after: rotation }))) return undefined;
  const claimed = { ...subject, rotation };

  const read = await registrations.read(app);
  if (read.kind !== 'registered') return { subject: claimed, outcome: blockerOf(read) };
  const isOrphan = ({ keyId, displayName }: RegisteredPassword) =>
    displayName === rotation.marker && credentials.every(({ entraKeyId }) => entraKeyId !== keyId);
  for (const orphan of read.registration.passwords.filter(isOrphan)) {
    const orphanBlocker = await removeOrphan(parts, claimed, orphan);
    // No secret is added while an orphan remains.
    if (orphanBlocker !== undefined) return { subject: claimed, outcome: orphanBlocker };
  }

  const { secretLife } = app.rotation ?? ROTATION_DEFAULTS;
  const endTime = clock.now() + secretLife;
  const response = await registrations.addPassword(app, { displayName: rotation.marker, endTime });
  if (response.kind !== 'added') {
    const blocker = blockerOf(response);
    const hints = blocker.problem === 'LIMIT' ? hintsOf(read.registration) : undefined;
    return { subject: claimed, outcome: { ...blocker, hints } };
  }
  const add = newSecret(response.password, claimed, newUid(), clock.now());
  return {
    subject: { ...claimed, newCredential: add.credential },
    outcome: { kind: 'added', newCredentialUid: add.credential.uid },
    add,
    undo: () => removeUnstored(parts, claimed, response.password),
  };
}

/**
 * In a copy of a database, a secret with the stored marker may be in use by the original vault and must not be removed, so the copy
 * gets a marker of its own.
 */
function ownMarker({ stores }: RotationStepParts, { app, rotation }: RotationSubject): string {
  const { id } = stores.instance;
  return isMarkerOfInstance(app, id, rotation.marker) ? rotation.marker : newMarker(app, id);
}

/** Removes the secret of an interrupted attempt, whose value is lost. */
async function removeOrphan(
  { stores, registrations, clock, reportPublished }: RotationStepParts,
  { app }: RotationSubject,
  orphan: RegisteredPassword,
): Promise<RotationBlocker | undefined> {
  const response = await registrations.removePassword(app, orphan.keyId);
  if (isRemoved(response)) return undefined;
  // An outage is temporary; any other failure needs the operator.
  if (response.kind !== 'unavailable') {
    const entry = { ...orphan, kind: 'CLIENT_SECRET' as const, mark: orphan.hint || undefined };
    const event = unknownCredential(app, entry, clock.now());
    if (await stores.expiry.publish(event)) reportPublished(event);
  }
  return blockerOf(response);
}

/** Removes a secret that was not stored, unless only the database's response was lost. A later attempt finds it by its marker. */
async function removeUnstored(
  { stores, registrations, clock, reportPublished }: RotationStepParts,
  { app, rotation }: RotationSubject,
  { keyId, secret, endTime }: AddedPassword,
): Promise<void> {
  const stored = await stores.apps.credentials(app.uid);
  if (stored.some(({ entraKeyId }) => entraKeyId === keyId)) return;
  if (isRemoved(await registrations.removePassword(app, keyId))) return;
  // If the app was deleted meanwhile, no later attempt would find it.
  if ((await stores.rotations.find(app.uid)) !== undefined) return;
  const entry = { kind: 'CLIENT_SECRET', keyId, mark: secret.hint(), displayName: rotation.marker, endTime } as const;
  const event = unknownCredential(app, entry, clock.now());
  if (await stores.expiry.publish(event)) reportPublished(event);
}

function newSecret(
  { keyId, secret, endTime }: AddedPassword,
  { app, credentials }: RotationSubject,
  uid: string,
  now: Timestamp,
): NewCredential {
  const made = unprobedCredential({
    uid,
    appUid: app.uid,
    credentialId: datedCredentialId('rotated', credentials, now),
    kind: 'CLIENT_SECRET',
    hint: secret.hint(),
    notBefore: undefined,
    expireTime: endTime,
    createTime: now,
  });
  const credential = { ...made, entraExpireTime: endTime, entraKeyId: keyId };
  return { credential, material: { kind: 'CLIENT_SECRET', clientSecret: secret } };
}
