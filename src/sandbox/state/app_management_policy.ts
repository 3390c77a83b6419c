import { randomUUID } from 'node:crypto';
import { z } from 'zod';

export const appManagementPolicyInput = z.strictObject({
  /** `passwordAddition`: new client secrets are forbidden. */
  noNewSecrets: z.boolean().optional(),
  /** `passwordLifetime`, in milliseconds. */
  longestSecretLife: z.number().min(1).optional(),
  /** `asymmetricKeyLifetime`, in milliseconds. */
  longestCertificateLife: z.number().min(1).optional(),
});
export type AppManagementPolicyInput = z.input<typeof appManagementPolicyInput>;

/** The credentials that a directory allows on its app registrations. https://learn.microsoft.com/graph/api/resources/applicationauthenticationmethodpolicy */
export interface AppManagementPolicy extends AppManagementPolicyInput {
  id: string;
}

export function createAppManagementPolicy(input: AppManagementPolicyInput): AppManagementPolicy {
  return { id: randomUUID(), ...input, noNewSecrets: input.noNewSecrets ?? false };
}
