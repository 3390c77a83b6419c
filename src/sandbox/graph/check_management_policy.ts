import type { AppManagementPolicy } from '../state/app_management_policy.ts';
import { GraphError } from './graph_error.ts';
import type { RegistrationChange } from './registration_change.ts';

/** Throws if the effective policy forbids a new secret with this lifetime. */
export function checkSecretPolicy(change: Omit<RegistrationChange, 'request'>, lifetime: number): void {
  const policy = effectivePolicy(change);
  if (policy?.noNewSecrets) {
    const message = `Credential type not allowed as per assigned policy '${policy.id}'.`;
    throw new GraphError(400, 'CredentialTypeNotAllowedAsPerAppPolicy', message);
  }
  if (policy !== undefined) checkLifetime(policy, lifetime, policy.longestSecretLife);
}

/** Throws if the effective policy forbids a new certificate with this lifetime. */
export function checkCertificatePolicy(change: Omit<RegistrationChange, 'request'>, lifetime: number): void {
  const policy = effectivePolicy(change);
  if (policy !== undefined) checkLifetime(policy, lifetime, policy.longestCertificateLife);
}

function effectivePolicy({ state, app }: Omit<RegistrationChange, 'request'>): AppManagementPolicy | undefined {
  return app.managementPolicy ?? state.directories.find(app.directoryId)?.managementPolicy;
}

/** As in https://github.com/OfficeDev/microsoft-365-agents-toolkit/issues/10998 */
function checkLifetime({ id }: AppManagementPolicy, lifetime: number, longest = Number.POSITIVE_INFINITY): void {
  if (lifetime <= longest) return;
  const message = `Credential lifetime exceeds the max value allowed as per assigned policy '${id}'.`;
  const details = [{ code: 'InvalidKeyEndDate', message, target: 'EndDate' }];
  throw new GraphError(400, 'CredentialInvalidLifetimeAsPerAppPolicy', message, details);
}
