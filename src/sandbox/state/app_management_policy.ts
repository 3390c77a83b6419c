import { randomUUID } from 'node:crypto';

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
