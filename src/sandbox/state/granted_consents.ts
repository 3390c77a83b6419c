import { GRAPH, OIDC_SCOPES } from './protected_resources.ts';

/**
 * Consents of users and of directories (given by an administrator for all users), by app and resource.
 * Consent to anything includes consent to sign-in, with all four OpenID Connect scopes:
 * https://github.com/MicrosoftDocs/azure-docs/issues/101648 (psignoret)
 */
export type Consents = ReturnType<typeof createConsents>;

export function createConsents() {
  /** Owner (user or directory) and client id; then resource id; then names of permissions. */
  const grants = new Map<string, Map<string, Set<string>>>();
  /** Directory and client id of the service principals. */
  const servicePrincipals = new Set<string>();
  const add = (owner: string, clientId: string, resourceId: string, names: Iterable<string>) => {
    const key = `${owner} ${clientId}`;
    const byResource = grants.get(key) ?? new Map<string, Set<string>>();
    grants.set(key, byResource);
    byResource.set(resourceId, new Set([...(byResource.get(resourceId) ?? []), ...names]));
  };
  const granted = (owner: string, clientId: string, resourceId: string) =>
    grants.get(`${owner} ${clientId}`)?.get(resourceId) ?? [];

  return {
    /** `owner`: the object id of a user, or the id of a directory. */
    grant(owner: string, clientId: string, resourceId: string, names: Iterable<string>): void {
      add(owner, clientId, resourceId, names);
      add(owner, clientId, GRAPH, OIDC_SCOPES);
    },
    /** The user's own consents and those of the directory. */
    of: (userObjectId: string, directoryId: string, clientId: string, resourceId: string): Set<string> =>
      new Set([...granted(directoryId, clientId, resourceId), ...granted(userObjectId, clientId, resourceId)]),
    hasServicePrincipal: (directoryId: string, clientId: string) => servicePrincipals.has(`${directoryId} ${clientId}`),
    addServicePrincipal: (directoryId: string, clientId: string) =>
      void servicePrincipals.add(`${directoryId} ${clientId}`),
    /** Without a permission: everything that this user or directory granted to this app. */
    withdraw(owner: string, clientId: string, permission?: { resourceId: string; name: string }): void {
      if (permission === undefined) grants.delete(`${owner} ${clientId}`);
      else grants.get(`${owner} ${clientId}`)?.get(permission.resourceId)?.delete(permission.name);
    },
  };
}
