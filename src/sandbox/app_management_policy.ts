import { randomUUID } from 'node:crypto';
import type { AppRegistration } from './app_registration.ts';
import { GraphError } from './graph_error.ts';
import type { World } from './world.ts';

/** What a directory lets be added to its app registrations. https://learn.microsoft.com/graph/api/resources/applicationauthenticationmethodpolicy */
export interface AppManagementPolicy {
  id: string;
  /** `passwordAddition`: no new client secrets. */
  noNewSecrets: boolean;
  /** `passwordLifetime`, in milliseconds. */
  longestSecretLife: number | undefined;
}

export interface AppManagementPolicyInput {
  noNewSecrets?: boolean | undefined;
  longestSecretLife?: number | undefined;
}

export function createAppManagementPolicy(input: AppManagementPolicyInput): AppManagementPolicy {
  return {
    id: randomUUID(),
    noNewSecrets: input.noNewSecrets ?? false,
    longestSecretLife: input.longestSecretLife,
  };
}

/** Throws Graph's refusal of a new secret, if the policy in force has one. */
export function checkManagementPolicy(world: World, app: AppRegistration, life: number): void {
  const policy = app.managementPolicy ?? world.directories.find(app.directoryId)?.managementPolicy;
  if (policy === undefined) return;
  if (policy.noNewSecrets) {
    const message = `Credential type not allowed as per assigned policy '${policy.id}'.`;
    throw new GraphError(400, 'CredentialTypeNotAllowedAsPerAppPolicy', message);
  }
  if (life <= (policy.longestSecretLife ?? Number.POSITIVE_INFINITY)) return;
  // As in https://github.com/OfficeDev/microsoft-365-agents-toolkit/issues/10998
  const message = `Credential lifetime exceeds the max value allowed as per assigned policy '${policy.id}'.`;
  const details = [{ code: 'InvalidKeyEndDate', message, target: 'EndDate' }];
  throw new GraphError(400, 'CredentialInvalidLifetimeAsPerAppPolicy', message, details);
}
