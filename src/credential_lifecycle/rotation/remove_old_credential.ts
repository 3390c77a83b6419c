import type { RotationOutcome } from '../../model/secret_rotation_transition.ts';
import { registeredCredentials } from '../matching/credentials_to_match.ts';
import { findKeyId, isUsedElsewhere } from './find_credential_at_entra.ts';
import { registrationChanges } from './registration_changes.ts';
import { blockerOf, isRemoved } from './rotation_blocker_from_graph_failure.ts';
import type { RotationStepParts, RotationSubject } from './rotation_dependencies.ts';
import { proveNewCredential } from './verify_new_credential_with_entra.ts';

/**
 * REMOVE: removes the old one at Entra, after another proof of the new one, because the last proof may be old.
 * Undefined: another replica continued the rotation.
 */
export async function removeOldCredential(
  parts: RotationStepParts,
  subject: RotationSubject,
): Promise<RotationOutcome | undefined> {
  const { registrations } = parts;
  const { app, old, newCredential } = subject;
  if (old === undefined) return { kind: 'old_gone' };
  const read = await registrations.read(app);
  if (read.kind !== 'registered') return blockerOf(read);
  const { registration } = read;
  const isThere = (wanted: string) => registeredCredentials(registration).some(({ keyId }) => keyId === wanted);
  const keyId = await findKeyId(parts, app, old, registration);
  const newKeyId = newCredential && (await findKeyId(parts, app, newCredential, registration));
  const isNewThere = newKeyId !== undefined && isThere(newKeyId);
  if (keyId !== undefined && isNewThere && !isThere(keyId)) return { kind: 'removed' };

  const proof = await proveNewCredential(parts, subject);
  if (proof.kind !== 'accepted') return proof;
  if (proof.wasRefused) return { kind: 'refused', code: newCredential?.entraError };
  // A list that is older than the new one proves nothing about the old one.
  if (!isNewThere) return { kind: 'blocked', problem: 'UNAVAILABLE' };
  if (keyId === undefined) return { kind: 'kept', problem: 'NO_KEY_ID' };
  // Other users of the old one do not have the new one.
  if (await isUsedElsewhere(parts, app, old, keyId)) return { kind: 'kept', problem: 'IN_USE' };
  // The requests above took time.
  if (!(await isUnchanged(parts, subject))) return undefined;
  const response = await registrationChanges(parts, app, old).remove(keyId);
  return isRemoved(response) ? { kind: 'removed' } : blockerOf(response);
}

/** Neither was the rotation continued, nor the new one removed. */
async function isUnchanged(
  { stores }: RotationStepParts,
  { app, rotation, newCredential }: RotationSubject,
): Promise<boolean> {
  const credentials = await stores.apps.credentials(app.uid);
  const current = await stores.rotations.find(app.uid);
  return current?.version === rotation.version && credentials.some(({ uid }) => uid === newCredential?.uid);
}
