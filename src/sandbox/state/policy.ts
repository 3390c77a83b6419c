import type { EntraError } from '../errors/entra_error.ts';

/** What Entra answers instead of tokens: to one user, or to all of a directory; everywhere, or for one resource or app. */
export interface Policy {
  error: EntraError;
  /** True: signing in again (as with multi-factor authentication) satisfies it. */
  satisfiedBySignIn: boolean;
  /** Undefined: for all. */
  resourceId: string | undefined;
  /** Undefined: for all apps. */
  clientId: string | undefined;
  /** Object ids of users who signed in since. */
  satisfiedBy: Set<string>;
}

/** Replaces one of the same resource and app. */
export function withPolicy(policies: Policy[], policy: Policy): Policy[] {
  const others = policies.filter(
    ({ resourceId, clientId }) => resourceId !== policy.resourceId || clientId !== policy.clientId,
  );
  return [...others, policy];
}

/** Without a resource: none is left. */
export function withoutPolicy(policies: Policy[], resourceId: string | undefined): Policy[] {
  return resourceId === undefined ? [] : policies.filter((policy) => policy.resourceId !== resourceId);
}
