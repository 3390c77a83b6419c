import type { RotationOutcome } from '../../model/rotation_move.ts';
import { isTakenAway, obstacleOf } from './obstacle.ts';
import { oldKeyId } from './old_key_id.ts';
import type { RotationStepParts, RotationSubject } from './rotation_parts.ts';

/** REMOVE: takes the old secret from Entra. It may be long since anybody looked, and without the new one the old one would be the last. */
export async function removeSecret(parts: RotationStepParts, subject: RotationSubject): Promise<RotationOutcome> {
  const { registrations } = parts;
  const { app, old, fresh } = subject;
  if (old === undefined) return { kind: 'old_gone' };
  if (fresh === undefined) return { kind: 'new_gone', isWanted: app.rotation !== undefined };
  if (fresh.verdict === 'REJECTED') return { kind: 'refused', code: fresh.entraError };
  const read = await registrations.read(app);
  if (read.kind !== 'registered') return obstacleOf(read);
  const { passwords } = read.registration;
  const isThere = (wanted: string | undefined) => passwords.some(({ keyId }) => keyId === wanted);
  if (!isThere(fresh.entraKeyId)) return { kind: 'new_lost' };
  const keyId = await oldKeyId(parts, app, old, read.registration);
  if (keyId === undefined) return { kind: 'unknown_key' };
  if (!isThere(keyId)) return { kind: 'removed' };
  const answer = await registrations.removePassword(app, keyId);
  return isTakenAway(answer) ? { kind: 'removed' } : obstacleOf(answer);
}
