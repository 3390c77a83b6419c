import { GRAPH, OIDC_SCOPES } from './resource.ts';

/**
 * Who allowed which app what: per user and app, and per directory and app (by an administrator, for all its users).
 * Consent to anything is consent to signing in, with all four scopes of OpenID Connect:
 * https://github.com/MicrosoftDocs/azure-docs/issues/101648 (psignoret)
 */
export interface Consents {
  grant(userObjectId: string, clientId: string, resourceId: string, names: Iterable<string>): void;
  grantForDirectory(directoryId: string, clientId: string, resourceId: string, names: Iterable<string>): void;
  /** The user's own consents and those that an administrator gave for the directory. */
  of(userObjectId: string, directoryId: string, clientId: string, resourceId: string): Set<string>;
  ofDirectory(directoryId: string, clientId: string, resourceId: string): Set<string>;
  isPresent(directoryId: string, clientId: string): boolean;
  /** Consent makes an app known in a directory (its service principal). */
  makePresent(directoryId: string, clientId: string): void;
  /** Without a name: everything that this user or directory allowed this app. */
  withdraw(ownerId: string, clientId: string, permission?: { resourceId: string; name: string }): void;
}

type Grants = Map<string, Set<string>>;

export function createConsents(): Consents {
  const grants = new Map<string, Grants>();
  const present = new Set<string>();
  const put = (owner: string, clientId: string, resourceId: string, names: Iterable<string>) => {
    const key = `${owner} ${clientId}`;
    const ofApp = grants.get(key) ?? new Map<string, Set<string>>();
    grants.set(key, ofApp);
    const ofResource = ofApp.get(resourceId) ?? new Set<string>();
    ofApp.set(resourceId, ofResource);
    for (const name of names) ofResource.add(name);
  };
  const give = (owner: string, clientId: string, resourceId: string, names: Iterable<string>) => {
    put(owner, clientId, resourceId, names);
    put(owner, clientId, GRAPH, OIDC_SCOPES);
  };
  const got = (owner: string, clientId: string, resourceId: string) =>
    grants.get(`${owner} ${clientId}`)?.get(resourceId) ?? new Set<string>();

  return {
    grant: give,
    grantForDirectory(directoryId, clientId, resourceId, names) {
      present.add(`${directoryId} ${clientId}`);
      give(directoryId, clientId, resourceId, names);
    },
    of: (userObjectId, directoryId, clientId, resourceId) =>
      new Set([...got(directoryId, clientId, resourceId), ...got(userObjectId, clientId, resourceId)]),
    ofDirectory: (directoryId, clientId, resourceId) => new Set(got(directoryId, clientId, resourceId)),
    isPresent: (directoryId, clientId) => present.has(`${directoryId} ${clientId}`),
    makePresent: (directoryId, clientId) => void present.add(`${directoryId} ${clientId}`),
    withdraw(ownerId, clientId, permission) {
      if (permission === undefined) grants.delete(`${ownerId} ${clientId}`);
      else grants.get(`${ownerId} ${clientId}`)?.get(permission.resourceId)?.delete(permission.name);
    },
  };
}

/** The permissions proper, without those of OpenID Connect. */
export function withoutOidc(names: Iterable<string>): string[] {
  return [...names].filter((name) => !OIDC_SCOPES.includes(name));
}
