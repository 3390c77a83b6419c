import { randomUUID } from 'node:crypto';
import { canonicalScope, parsePermission, parseScopes } from './endpoints/requested_scopes.ts';
import { createPolicyControls, type PolicyControls } from './policy_controls.ts';
import { createRegistrationControls, type RegistrationControls } from './registration_controls.ts';
import { type AppCertificate, type ClientSecret, createSecret, type SecretInput } from './state/app_credential.ts';
import {
  type AppInput,
  type AppRegistration,
  type FederatedCredential,
  readCertificate,
  withAudience,
} from './state/app_registration.ts';
import type { Directory, DirectoryInput } from './state/directory.ts';
import { openRefreshToken, type RefreshGrant, sealRefreshToken } from './state/refresh_token.ts';
import type { SandboxState } from './state/state.ts';
import type { User, UserInput } from './state/user.ts';

/** What a test or an operator of the sandbox may change. Users go by username or object id, apps by client id. Unknown ones throw. */
export interface Controls extends RegistrationControls, PolicyControls {
  addDirectory(input?: DirectoryInput): Directory;
  addUser(input: Omit<UserInput, 'directoryId'> & { directoryId?: string }): User;
  addApp(input?: AppInput): AppRegistration;
  addRedirectUri(clientId: string, redirectUri: string): void;
  addSecret(clientId: string, input?: SecretInput): ClientSecret;
  removeSecret(clientId: string, keyIdOrValue: string): void;
  /** Changes an existing secret's end: to let it lapse without moving the clock. */
  expireSecret(clientId: string, keyIdOrValue: string, endTime?: number): void;
  addCertificate(clientId: string, pem: string): AppCertificate;
  removeCertificate(clientId: string, keyId: string): void;
  addFederatedCredential(
    clientId: string,
    input: { issuer: string; subject: string; audience?: string; publicKey?: string },
  ): FederatedCredential;
  /** A resource beside Graph and Outlook; without `permissions` any name goes. */
  addResource(id: string, permissions?: string[]): void;
  /** Later redemptions of what was granted until now: 50173. */
  revokeSessions(user: string): void;
  disableUser(user: string): void;
  enableUser(user: string): void;
  /** Redemptions answer 500341. */
  deleteUser(user: string): void;
  restoreUser(user: string): void;
  /** Of one permission (`Mail.Send`, or with its resource), or of all. A consent for the whole directory stays. */
  withdrawConsent(user: string, clientId: string, permission?: string): void;
  grantConsent(user: string, clientId: string, permissions: string[]): void;
  grantAdminConsent(directory: string, clientId: string, permissions?: string[]): void;
  withdrawAdminConsent(directory: string, clientId: string, permission?: string): void;
  /** As if the user had consented; cheap enough for a hundred thousand. `scopes` as in an authorize request. */
  issueRefreshToken(input: {
    clientId: string;
    userObjectId: string;
    scopes: string | string[];
    directoryId?: string | undefined;
  }): string;
  /** What a refresh token stands for; undefined for one that this sandbox's kind never issued. */
  describeRefreshToken(token: string): RefreshGrant | undefined;
}

export function createControls(world: SandboxState): Controls {
  const user = (id: string) => known(world.users.find(id), `user ${id}`);
  const app = (id: string) => known(world.apps.find(id), `app ${id}`);
  const directory = (id: string) => known(world.directories.find(id), `directory ${id}`);
  const permission = (text: string) => parsePermission(world.resources, text);
  const resource = (id: string) => known(world.resources.find(id), `resource ${id}`);
  const firstDirectory = () => known(world.directories.list()[1] ?? world.directories.list()[0], 'directory');

  return {
    ...createRegistrationControls(app, directory),
    ...createPolicyControls({ user, app, directory, resource }),
    addDirectory: (input = {}) => world.directories.add(input),
    addUser: (input) =>
      world.users.add({ ...input, directoryId: directory(input.directoryId ?? domainOf(input.username)).id }),
    addApp: (input = {}) =>
      world.apps.add({ ...input, directoryId: directory(input.directoryId ?? firstDirectory().id).id }),
    addRedirectUri: (clientId, redirectUri) => void app(clientId).redirectUris.push(redirectUri),
    addSecret(clientId, input = {}) {
      const secret = createSecret(input, world.clock.now());
      app(clientId).secrets.push(secret);
      return secret;
    },
    removeSecret(clientId, keyIdOrValue) {
      const owner = app(clientId);
      owner.secrets = owner.secrets.filter(({ keyId, value }) => keyId !== keyIdOrValue && value !== keyIdOrValue);
    },
    expireSecret(clientId, keyIdOrValue, endTime = world.clock.now()) {
      const { secrets } = app(clientId);
      const secret = secrets.find(({ keyId, value }) => keyId === keyIdOrValue || value === keyIdOrValue);
      known(secret, 'secret').endTime = endTime;
    },
    addCertificate(clientId, pem) {
      const certificate = readCertificate(pem);
      app(clientId).certificates.push(certificate);
      return certificate;
    },
    removeCertificate(clientId, keyId) {
      const owner = app(clientId);
      owner.certificates = owner.certificates.filter((certificate) => certificate.keyId !== keyId);
    },
    addFederatedCredential(clientId, input) {
      const credential = withAudience(input);
      app(clientId).federatedCredentials.push(credential);
      return credential;
    },
    addResource: (id, permissions) => void world.resources.add(id, permissions),
    revokeSessions(id) {
      const revoked = user(id);
      revoked.generation += 1;
      revoked.revokedTime = world.clock.now();
    },
    disableUser(id) {
      user(id).disabled = true;
    },
    enableUser(id) {
      user(id).disabled = false;
    },
    deleteUser(id) {
      user(id).deleted = true;
    },
    restoreUser(id) {
      user(id).deleted = false;
    },
    withdrawConsent(id, clientId, text) {
      const { resource, name } = text === undefined ? { resource: undefined, name: '' } : permission(text);
      const which = resource === undefined ? undefined : { resourceId: resource.id, name };
      world.consents.withdraw(user(id).objectId, app(clientId).clientId, which);
    },
    grantConsent(id, clientId, permissions) {
      for (const { resource, name } of permissions.map(permission))
        world.consents.grant(user(id).objectId, app(clientId).clientId, resource.id, [name]);
      world.consents.makePresent(user(id).directoryId, app(clientId).clientId);
    },
    grantAdminConsent(id, clientId, permissions = app(clientId).permissions) {
      world.consents.makePresent(directory(id).id, app(clientId).clientId);
      for (const { resource, name } of permissions.map(permission))
        world.consents.grantForDirectory(directory(id).id, app(clientId).clientId, resource.id, [name]);
    },
    withdrawAdminConsent(id, clientId, text) {
      const { resource, name } = text === undefined ? { resource: undefined, name: '' } : permission(text);
      const which = resource === undefined ? undefined : { resourceId: resource.id, name };
      world.consents.withdraw(directory(id).id, app(clientId).clientId, which);
    },
    issueRefreshToken(input) {
      const { clientId } = app(input.clientId);
      const owner = user(input.userObjectId);
      const text = Array.isArray(input.scopes) ? input.scopes.join(' ') : input.scopes;
      const { permissions, oidc } = parseScopes(world.resources, text);
      world.consents.grant(owner.objectId, clientId, world.resources.graph.id, oidc);
      for (const { resource, name } of permissions) world.consents.grant(owner.objectId, clientId, resource.id, [name]);
      world.consents.makePresent(owner.directoryId, clientId);
      return sealRefreshToken({
        id: randomUUID(),
        userObjectId: owner.objectId,
        clientId,
        directoryId: input.directoryId ?? owner.directoryId,
        scopes: [...permissions.map(canonicalScope), ...oidc],
        issuedTime: world.clock.now(),
        generation: owner.generation,
        instanceId: world.instanceId,
      });
    },
    describeRefreshToken: openRefreshToken,
  };
}

function known<Thing>(thing: Thing | undefined, what: string): Thing {
  if (thing === undefined) throw new RangeError(`the sandbox knows no ${what}`);
  return thing;
}

function domainOf(username: string): string {
  return username.slice(username.lastIndexOf('@') + 1);
}
