import type { RotationProblem } from '../../model/rotation.ts';
import { suspensionOf } from '../../model/suspension.ts';
import { blockerOf, hintsOf, isFull } from './blocker.ts';
import { findOldKeyId } from './find_old_key_id.ts';
import type { RotationParts } from './rotation_parts.ts';
import type { PlannedRotation } from './rotation_plan.ts';
import { isUsedElsewhere } from './used_elsewhere.ts';

/** What stands in the way of a rotation, each with what to do. `isAsked`: also what reading the registration tells. */
export async function findBlockers(
  parts: RotationParts,
  planned: PlannedRotation,
  isAsked: boolean,
): Promise<readonly string[]> {
  const { app, rotation } = planned;
  const suspension = await suspensionOf(parts.stores.tenants, app);
  const suspended =
    suspension === undefined
      ? []
      : [`${suspension.name} is suspended: nothing is done until ${suspension.resumedBy} resumes it.`];
  const found = isAsked ? await read(parts, planned) : undefined;
  const known = rotation.problem === undefined ? [] : [parts.problemText(app, rotation.problem)];
  return [...new Set([...suspended, ...known, ...(found === undefined ? [] : [parts.problemText(app, found)])])];
}

async function read(
  parts: RotationParts,
  { app, rotation, credentials }: PlannedRotation,
): Promise<RotationProblem | undefined> {
  const answer = await parts.registrations.read(app);
  const now = parts.clock.now();
  const nothing = { code: undefined, permission: undefined, time: now, reportedTime: undefined };
  if (answer.kind !== 'registered') {
    const { problem: kind, code, permission } = blockerOf(answer);
    return { ...nothing, kind, code, permission };
  }
  if (rotation.step === 'ADD' && isFull(app, answer.registration)) {
    return { ...nothing, kind: 'LIMIT', hints: hintsOf(answer.registration) };
  }
  const old = credentials.find(({ uid }) => uid === rotation.oldCredentialUid);
  if (old === undefined) return undefined;
  const keyId = await findOldKeyId(parts, app, old, answer.registration);
  if (keyId === undefined) return { ...nothing, kind: 'NO_KEY_ID' };
  return (await isUsedElsewhere(parts, app, old, keyId)) ? { ...nothing, kind: 'IN_USE' } : undefined;
}
