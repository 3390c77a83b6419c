import { z } from 'zod';
import { type EntraError, errorOverrides } from '../errors/entra_error.ts';

export const policyInput = errorOverrides.extend({
  /** The AADSTS number, such as 53003 or 50076. */
  code: z.int(),
  /** Limits the policy to one resource, such as `https://outlook.office.com`. */
  resource: z.string().min(1).optional(),
  /** Limits the policy to one app. */
  clientId: z.string().min(1).optional(),
  /** A new sign-in satisfies it; default: true for `invalid_grant`, except for blocks (53xxx, 50131) and 50105. */
  satisfiedBySignIn: z.boolean().optional(),
});
export type PolicyInput = z.input<typeof policyInput>;

/** An error that Entra returns instead of tokens, to one user or to a whole directory. */
export interface Policy {
  error: EntraError;
  satisfiedBySignIn: boolean;
  /** Undefined: all resources. */
  resourceId: string | undefined;
  /** Undefined: all apps. */
  clientId: string | undefined;
  /** Object ids of users who have signed in since. */
  satisfiedBy: Set<string>;
}

export interface PolicyTarget {
  directory: { policies: Policy[] };
  /** Undefined: the app acts for itself. */
  user: { objectId: string; policies: Policy[] } | undefined;
  resourceId: string;
  clientId: string;
}

export function policiesFor({ directory, user, resourceId, clientId }: PolicyTarget): Policy[] {
  return [...directory.policies, ...(user?.policies ?? [])].filter(
    (policy) =>
      (policy.resourceId ?? resourceId) === resourceId &&
      (policy.clientId ?? clientId) === clientId &&
      !policy.satisfiedBy.has(user?.objectId ?? ''),
  );
}

/** A policy against the app as a whole, which Entra applies before it checks the app's credential. */
export function appPolicy(directory: { policies: Policy[] } | undefined, clientId: string): Policy | undefined {
  return directory?.policies.find(
    (policy) =>
      policy.error.error === 'unauthorized_client' &&
      policy.resourceId === undefined &&
      (policy.clientId ?? clientId) === clientId,
  );
}
