import type { Registered } from '../../entra/app_registrations_interface.ts';
import {
  type Credential,
  credentialState,
  type NewCredential,
  unprobedCredential,
} from '../../model/app_credential.ts';
import { MINUTE, type Timestamp } from '../../model/clock.ts';
import { datedCredentialId } from '../../model/dated_credential_id.ts';
import type { App } from '../../model/entra_app.ts';
import { isMarkerOfInstance, newMarker } from '../../model/secret_rotation.ts';
import { rotatedCredential } from '../../model/secret_rotation_due.ts';
import type { RotationBlocker } from '../../model/secret_rotation_transition.ts';
import { type NamedCredential, registeredCredentials } from '../matching/credentials_to_match.ts';
import { unknownCredential } from '../matching/registration_mismatch_events.ts';
import { findProof } from './find_certificate_for_proof.ts';
import { type AddedCredential, type RegistrationChanges, registrationChanges } from './registration_changes.ts';
import { blockerOf, hintsOf, isRemoved } from './rotation_blocker_from_graph_failure.ts';
import type { RotationStepParts, RotationSubject, StepResult } from './rotation_dependencies.ts';

/** ADD: adds the new secret or certificate through Graph. Undefined: another replica runs this step. */
export async function addNewCredential(
  parts: RotationStepParts,
  subject: RotationSubject,
): Promise<StepResult | undefined> {
  const { registrations, clock, newUid } = parts;
  const { app, credentials, old } = subject;
  if (old === undefined || isReplaced(old, credentials, clock.now())) return { subject, outcome: { kind: 'old_gone' } };
  const claimed = await claim(parts, subject);
  if (claimed === undefined) return undefined;
  // Without one, the app may get no token for Graph either, which says less about the cause.
  if (old.kind === 'CERTIFICATE' && (await findProof(parts, app)) === undefined) {
    return { subject: claimed, outcome: blockerOf({ kind: 'no_proof' }) };
  }
  const read = await registrations.read(app);
  if (read.kind !== 'registered') return { subject: claimed, outcome: blockerOf(read) };
  const changes = registrationChanges(parts, app, old);
  for (const orphan of orphansOf(claimed, read.registration, old.kind)) {
    const orphanBlocker = await removeOrphan(parts, claimed, changes, orphan);
    // Nothing is added while an orphan remains.
    if (orphanBlocker !== undefined) return { subject: claimed, outcome: orphanBlocker };
  }

  const response = await changes.add(claimed.rotation.marker);
  if (response.kind !== 'added') {
    const blocker = blockerOf(response);
    const hints = blocker.problem === 'LIMIT' ? hintsOf(read.registration) : undefined;
    return { subject: claimed, outcome: { ...blocker, hints } };
  }
  const add = newCredential(response.added, claimed, newUid(), clock.now());
  return {
    subject: { ...claimed, newCredential: add.credential },
    outcome: { kind: 'added', newCredentialUid: add.credential.uid },
    add,
    undo: () => removeUnstored(parts, claimed, changes, response.added),
  };
}

/** Another kind serves longer by now, such as a certificate where a policy blocks the next secret; or only another one still serves. */
function isReplaced(old: Credential, credentials: readonly Credential[], now: Timestamp): boolean {
  const current = rotatedCredential(credentials, now);
  return current?.kind !== old.kind || (current.uid !== old.uid && credentialState(old, now) === 'EXPIRED');
}

/** Claims the step for a minute. After an interrupted attempt, this also gives Graph's eventually consistent reads time. Undefined: another replica was faster. */
async function claim(parts: RotationStepParts, subject: RotationSubject): Promise<RotationSubject | undefined> {
  const before = subject.rotation;
  const nextTime = parts.clock.now() + MINUTE;
  const rotation = { ...before, marker: ownMarker(parts, subject), nextTime, version: before.version + 1 };
  const isClaimed = await parts.stores.rotations.advance({ before, after: rotation });
  return isClaimed ? { ...subject, rotation } : undefined;
}

/**
 * In a copy of a database, one with the stored marker may be in use by the original vault and must not be removed, so the copy
 * gets a marker of its own.
 */
function ownMarker({ stores }: RotationStepParts, { app, rotation }: RotationSubject): string {
  const { id } = stores.instance;
  return isMarkerOfInstance(app, id, rotation.marker) ? rotation.marker : newMarker(app, id);
}

/** Left at Entra by interrupted attempts, which lost their values. */
function orphansOf({ rotation, credentials }: RotationSubject, registration: Registered, kind: string) {
  return registeredCredentials(registration).filter(
    (one) =>
      one.kind === kind &&
      one.displayName === rotation.marker &&
      credentials.every(({ entraKeyId }) => entraKeyId !== one.keyId),
  );
}

async function removeOrphan(
  parts: RotationStepParts,
  { app }: RotationSubject,
  changes: RegistrationChanges,
  orphan: NamedCredential,
): Promise<RotationBlocker | undefined> {
  const response = await changes.remove(orphan.keyId);
  if (isRemoved(response)) return undefined;
  // An outage is temporary; any other failure needs the operator.
  if (response.kind !== 'unavailable') await reportUnknown(parts, app, orphan);
  return blockerOf(response);
}

/** Removes what was added but not stored, unless only the database's response was lost. A later attempt finds it by its marker. */
async function removeUnstored(
  parts: RotationStepParts,
  { app, rotation }: RotationSubject,
  changes: RegistrationChanges,
  { kind, mark, entraKeyId: keyId, expireTime: endTime }: AddedCredential,
): Promise<void> {
  const { stores } = parts;
  const stored = await stores.apps.credentials(app.uid);
  if (keyId === undefined || stored.some(({ entraKeyId }) => entraKeyId === keyId)) return;
  if (isRemoved(await changes.remove(keyId))) return;
  // If the app was deleted meanwhile, no later attempt would find it.
  if ((await stores.rotations.find(app.uid)) !== undefined) return;
  await reportUnknown(parts, app, { kind, keyId, mark, displayName: rotation.marker, endTime });
}

async function reportUnknown(
  { stores, clock, reportPublished }: RotationStepParts,
  app: App,
  entry: NamedCredential,
): Promise<void> {
  const event = unknownCredential(app, entry, clock.now());
  if (await stores.expiry.publish(event)) reportPublished(event);
}

function newCredential(
  { material, mark: _, ...known }: AddedCredential,
  { app, credentials }: RotationSubject,
  uid: string,
  now: Timestamp,
): NewCredential {
  const credentialId = datedCredentialId('rotated', credentials, now);
  const made = unprobedCredential({ ...known, uid, appUid: app.uid, credentialId, createTime: now });
  const credential = { ...made, entraExpireTime: known.expireTime, entraKeyId: known.entraKeyId };
  return { credential, material };
}
