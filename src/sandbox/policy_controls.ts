import { type EntraErrorOverrides, entraError } from './errors/entra_error.ts';
import type { AppRegistration } from './state/app_registration.ts';
import type { Directory, UserConsent } from './state/directory.ts';
import { type Policy, withoutPolicy, withPolicy } from './state/policy.ts';
import { GRAPH_APP_ID, type Resource } from './state/resource.ts';
import type { User } from './state/user.ts';

export interface PolicyInput extends EntraErrorOverrides {
  /** The AADSTS number, as 53003 or 50076. */
  code: number;
  /** Only for this one, as `https://outlook.office.com`. */
  resource?: string | undefined;
  /** Only for this app. */
  clientId?: string | undefined;
  /** Signing in again ends it; default: true for what says `invalid_grant`, except 53xxx and 50131 (blocked), 50105. */
  satisfiedBySignIn?: boolean | undefined;
}

/** What an administrator of a directory may require of its users. Unknown users, directories and resources throw. */
export interface PolicyControls {
  /** Entra answers this user's redemptions with that error until the policy is lifted, or satisfied by a new sign-in. */
  requirePolicy(user: string, policy: PolicyInput): void;
  /** That of one resource, or all. */
  liftPolicy(user: string, resource?: string): void;
  /** The same for all users of a directory and for the app itself: as a disabled resource (500014) or a removed app (70001). */
  requireDirectoryPolicy(directory: string, policy: PolicyInput): void;
  liftDirectoryPolicy(directory: string, resource?: string): void;
  /** From now on. */
  setUserConsent(directory: string, userConsent: UserConsent): void;
}

export function createPolicyControls(find: {
  user(id: string): User;
  app(id: string): AppRegistration;
  directory(id: string): Directory;
  resource(id: string): Resource;
}): PolicyControls {
  const resourceId = (text: string | undefined) => (text === undefined ? undefined : find.resource(text).id);
  const policy = (input: PolicyInput, facts: Record<string, string>): Policy => {
    const id = resourceId(input.resource);
    const clientId = input.clientId === undefined ? undefined : find.app(input.clientId).clientId;
    const error = entraError(input.code, { ...facts, resource: id ?? GRAPH_APP_ID, client: clientId ?? '' }, input);
    const isBlock = input.code === 50131 || input.code === 50105 || String(input.code).startsWith('53');
    const satisfiedBySignIn = input.satisfiedBySignIn ?? (error.error === 'invalid_grant' && !isBlock);
    return { error, satisfiedBySignIn, resourceId: id, clientId, satisfiedBy: new Set() };
  };

  return {
    requirePolicy(id, input) {
      const user = find.user(id);
      user.policies = withPolicy(user.policies, policy(input, { user: user.username }));
    },
    liftPolicy(id, resource) {
      const user = find.user(id);
      user.policies = withoutPolicy(user.policies, resourceId(resource));
    },
    requireDirectoryPolicy(id, input) {
      const directory = find.directory(id);
      directory.policies = withPolicy(directory.policies, policy(input, { directory: directory.displayName }));
    },
    liftDirectoryPolicy(id, resource) {
      const directory = find.directory(id);
      directory.policies = withoutPolicy(directory.policies, resourceId(resource));
    },
    setUserConsent(id, userConsent) {
      find.directory(id).userConsent = userConsent;
    },
  };
}
