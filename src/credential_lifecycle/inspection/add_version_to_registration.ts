import type { AppRegistrations } from '../../entra/app_registrations_interface.ts';
import type { App } from '../../model/entra_app.ts';
import type { KeyVaultCertificate } from '../../model/key_vault_certificates.ts';
import type { RotationBlocker } from '../../model/secret_rotation_transition.ts';
import { findProof, type ProofParts } from '../rotation/find_certificate_for_proof.ts';
import { blockerOf } from '../rotation/rotation_blocker_from_graph_failure.ts';
import type { TimeLimit } from './time_limit.ts';

/** Why the registration does not list a version. ROTATION_OFF: the operator does not allow the vault to change it. */
export type UnlistedVersion = RotationBlocker | { readonly kind: 'blocked'; readonly problem: 'ROTATION_OFF' };

/**
 * Adds a new version of a Key Vault certificate to the app registration if the app has a rotation policy; the key vault signs the proof with
 * the version in use. Undefined: it was added. It may be repeated, since the registration is read before.
 */
export async function addVersionToRegistration(
  parts: ProofParts & { readonly registrations: Pick<AppRegistrations, 'addCertificate'> },
  app: App,
  { certificate }: KeyVaultCertificate,
  limit: TimeLimit,
): Promise<UnlistedVersion | undefined> {
  if (app.rotation === undefined) return { kind: 'blocked', problem: 'ROTATION_OFF' };
  const proofBy = await findProof(parts, app);
  const late = { kind: 'unavailable', code: undefined, retryAfter: undefined } as const;
  const response =
    proofBy === undefined
      ? ({ kind: 'no_proof' } as const)
      : await limit.within(() => parts.registrations.addCertificate(app, { certificate, proofBy }), late);
  return response.kind === 'added' ? undefined : blockerOf(response);
}
