import type { Directory } from './directory.ts';
import type { Policy } from './policy.ts';
import type { User } from './user.ts';

export interface PolicyTarget {
  directory: Directory;
  /** Undefined: the app itself asks. */
  user: User | undefined;
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

/** What is about the app as a whole, Entra says before it looks at the app's credential. */
export function appPolicy(directory: Directory | undefined, clientId: string): Policy | undefined {
  return directory?.policies.find(
    (policy) =>
      policy.error.error === 'unauthorized_client' &&
      policy.resourceId === undefined &&
      (policy.clientId ?? clientId) === clientId,
  );
}
