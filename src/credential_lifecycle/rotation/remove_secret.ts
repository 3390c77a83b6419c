import type { RotationOutcome } from '../../model/rotation_transition.ts';
import { blockerOf, isTakenAway } from './blocker.ts';
import { findOldKeyId } from './find_old_key_id.ts';
import { proveSecret } from './prove_secret.ts';
import type { RotationStepParts, RotationSubject } from './rotation_parts.ts';
import { isUsedElsewhere } from './used_elsewhere.ts';

/**
 * REMOVE: takes the old secret from Entra. It may be long since anybody looked, and without the new one the old one would be the last.
 * Undefined: somebody else is at it.
 */
export async function removeSecret(
  parts: RotationStepParts,
  subject: RotationSubject,
): Promise<RotationOutcome | undefined> {
  const { registrations } = parts;
  const { app, old, fresh } = subject;
  if (old === undefined) return { kind: 'old_gone' };
  const read = await registrations.read(app);
  if (read.kind !== 'registered') return blockerOf(read);
  const { passwords } = read.registration;
  const isThere = (wanted: string | undefined) => passwords.some(({ keyId }) => keyId === wanted);
  const keyId = await findOldKeyId(parts, app, old, read.registration);
  if (keyId !== undefined && isThere(fresh?.entraKeyId) && !isThere(keyId)) return { kind: 'removed' };

  const proof = await proveSecret(parts, subject);
  if (proof.kind !== 'accepted') return proof;
  if (proof.wasRefused) return { kind: 'refused', code: fresh?.entraError };
  // A list that is older than the new one says nothing of the old one either.
  if (!isThere(fresh?.entraKeyId)) return { kind: 'hindered', problem: 'UNAVAILABLE' };
  if (keyId === undefined) return { kind: 'kept', problem: 'NO_KEY_ID' };
  // Nobody gave those the new one.
  if (await isUsedElsewhere(parts, app, old, keyId)) return { kind: 'kept', problem: 'IN_USE' };
  // All that asking took its time.
  if (!(await isStillSo(parts, subject))) return undefined;
  const answer = await registrations.removePassword(app, keyId);
  return isTakenAway(answer) ? { kind: 'removed' } : blockerOf(answer);
}

/** Nobody moved it on, and nobody removed the new one. */
async function isStillSo({ stores }: RotationStepParts, { app, rotation, fresh }: RotationSubject): Promise<boolean> {
  const credentials = await stores.apps.credentials(app.uid);
  const current = await stores.rotations.find(app.uid);
  return current?.version === rotation.version && credentials.some(({ uid }) => uid === fresh?.uid);
}
