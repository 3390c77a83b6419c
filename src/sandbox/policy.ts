import type { Directory } from './directory.ts';
import type { EntraError } from './entra_error.ts';
import type { User } from './user.ts';

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

export interface PolicyTarget {
  directory: Directory;
  /** Undefined: the app itself asks. */
  user: User | undefined;
  resourceId: string;
  clientId: string;
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

export function policiesFor({ directory, user, resourceId, clientId }: PolicyTarget): Policy[] {
  return [...directory.policies, ...(user?.policies ?? [])].filter(
    (policy) =>
      (policy.resourceId ?? resourceId) === resourceId &&
      (policy.clientId ?? clientId) === clientId &&
      !policy.satisfiedBy.has(user?.objectId ?? ''),
  );
}

/** What is about the app as a whole, Entra says before it looks at the app's credential. */
export function appPolicy(directory: Directory | undefined, clientId: string): Policy | undefined {
  return directory?.policies.find(
    (policy) =>
      policy.error.error === 'unauthorized_client' &&
      policy.resourceId === undefined &&
      (policy.clientId ?? clientId) === clientId,
  );
}
