import type { RotationProblem } from '../../model/secret_rotation.ts';
import { suspensionOf } from '../../model/suspension.ts';
import type { PlannedRotation } from './describe_remaining_rotation_steps.ts';
import { findProof } from './find_certificate_for_proof.ts';
import { findKeyId, isUsedElsewhere } from './find_credential_at_entra.ts';
import { blockerOf, hintsOf, isFull } from './rotation_blocker_from_graph_failure.ts';
import type { RotationParts } from './rotation_dependencies.ts';

/** What blocks a rotation, each with what to do. `readsRegistration`: also what the registration at Entra shows. */
export async function findBlockers(
  parts: RotationParts,
  planned: PlannedRotation,
  readsRegistration: boolean,
): Promise<readonly string[]> {
  const { app, rotation } = planned;
  const suspension = await suspensionOf(parts.stores.tenants, app);
  const suspended =
    suspension && `${suspension.name} is suspended. The rotation continues after ${suspension.resumedBy} resumes it.`;
  const problems = [rotation.problem, readsRegistration ? await read(parts, planned) : undefined];
  const texts = problems.map((problem) => problem && parts.problemText(app, problem));
  return [...new Set([suspended, ...texts].filter((text) => text !== undefined))];
}

async function read(
  parts: RotationParts,
  { app, rotation, credentials }: PlannedRotation,
): Promise<RotationProblem | undefined> {
  const now = parts.clock.now();
  const nothing = { code: undefined, permission: undefined, time: now, reportedTime: undefined };
  const old = credentials.find(({ uid }) => uid === rotation.oldCredentialUid);
  if (old?.kind === 'CERTIFICATE' && (await findProof(parts, app)) === undefined)
    return { ...nothing, kind: 'NO_VALID_CERTIFICATE' };
  const response = await parts.registrations.read(app);
  if (response.kind !== 'registered') {
    const { problem: kind, code, permission } = blockerOf(response);
    return { ...nothing, kind, code, permission };
  }
  if (rotation.step === 'ADD' && old?.kind === 'CLIENT_SECRET' && isFull(app, response.registration)) {
    return { ...nothing, kind: 'LIMIT', hints: hintsOf(response.registration) };
  }
  if (old === undefined) return undefined;
  const keyId = await findKeyId(parts, app, old, response.registration);
  if (keyId === undefined) return { ...nothing, kind: 'NO_KEY_ID' };
  return (await isUsedElsewhere(parts, app, old, keyId)) ? { ...nothing, kind: 'IN_USE' } : undefined;
}
