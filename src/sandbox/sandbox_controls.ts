import { randomUUID } from 'node:crypto';
import { createAppControls } from './app_registration_controls.ts';
import { canonicalScope, parsePermission, parseScopes } from './endpoints/parse_requested_scopes.ts';
import { entraError } from './errors/entra_error.ts';
import type { FaultInput } from './faults/injected_faults.ts';
import type { GateInput } from './faults/request_gates.ts';
import { type AppManagementPolicyInput, createAppManagementPolicy } from './state/app_management_policy.ts';
import { type AppInput, servicePrincipalId } from './state/app_registration.ts';
import type { DirectoryInput, UserConsent } from './state/entra_directories.ts';
import type { User, UserInput } from './state/entra_users.ts';
import { GRAPH_APP_ID } from './state/protected_resources.ts';
import type { SandboxState } from './state/sandbox_state.ts';
import { openRefreshToken, sealRefreshToken } from './state/sealed_refresh_token.ts';
import type { Policy, PolicyInput } from './state/token_refusal_policy.ts';

export type Controls = ReturnType<typeof createControls>;

/**
 * The changes that a test or an operator can make to the sandbox. A user is given by username or object id, an app by client
 * id, a directory by id or domain. Each control throws a RangeError if the resource does not exist.
 */
export function createControls(state: SandboxState) {
  const findUser = (id: string) => existing(state.users.find(id), `user ${id}`);
  const findApp = (id: string) => existing(state.apps.find(id), `app ${id}`);
  const findDirectory = (id: string) => existing(state.directories.find(id), `directory ${id}`);
  const findResource = (id: string) => existing(state.resources.find(id), `resource ${id}`);
  const defaultDirectory = () => existing(state.directories.list()[1] ?? state.directories.list()[0], 'directory');

  function createPolicy(input: PolicyInput, facts: Record<string, string>): Policy {
    const resourceId = input.resource === undefined ? undefined : findResource(input.resource).id;
    const clientId = input.clientId === undefined ? undefined : findApp(input.clientId).clientId;
    const client = clientId ?? '';
    const error = entraError(input.code, { ...facts, resource: resourceId ?? GRAPH_APP_ID, client }, input);
    const isBlock = input.code === 50131 || input.code === 50105 || String(input.code).startsWith('53');
    const satisfiedBySignIn = input.satisfiedBySignIn ?? (error.error === 'invalid_grant' && !isBlock);
    return { error, satisfiedBySignIn, resourceId, clientId, satisfiedBy: new Set() };
  }
  /** Replaces the policy for the same resource and app. */
  function addPolicy(owner: { policies: Policy[] }, policy: Policy): void {
    const { resourceId, clientId } = policy;
    const isSame = (other: Policy) => other.resourceId === resourceId && other.clientId === clientId;
    owner.policies = [...owner.policies.filter((other) => !isSame(other)), policy];
  }
  function removePolicies(owner: { policies: Policy[] }, resource: string | undefined): void {
    const resourceId = resource === undefined ? undefined : findResource(resource).id;
    owner.policies = owner.policies.filter((policy) => resourceId !== undefined && policy.resourceId !== resourceId);
  }
  function grant(owner: string, clientId: string, permissions: string[]): void {
    for (const { resource, name } of permissions.map((text) => parsePermission(state.resources, text)))
      state.consents.grant(owner, clientId, resource.id, [name]);
  }
  function withdraw(owner: string, clientId: string, text: string | undefined): void {
    const permission = text === undefined ? undefined : parsePermission(state.resources, text);
    state.consents.withdraw(
      owner,
      clientId,
      permission && { resourceId: permission.resource.id, name: permission.name },
    );
  }

  function challenge(user: User): void {
    // Of the tokens that were issued in this second, it is unknown which are earlier.
    user.challengedTime = Math.floor(state.clock.now() / 1_000) + 1;
  }

  return {
    ...createAppControls(state, findApp),
    addDirectory: (input: DirectoryInput = {}) => state.directories.add(input),
    addUser: (input: UserInput) =>
      state.users.add({ ...input, directoryId: findDirectory(input.directoryId ?? domainOf(input.username)).id }),
    addApp: (input: AppInput = {}) =>
      state.apps.add({ ...input, directoryId: findDirectory(input.directoryId ?? defaultDirectory().id).id }),
    /** In addition to Graph and Outlook; without `permissions` every name is valid. */
    addResource: (id: string, permissions?: string[]) => void state.resources.add(id, permissions),

    addExchangeServicePrincipal(id: string, clientId: string, objectId?: string): void {
      const directoryId = findDirectory(id).id;
      const app = findApp(clientId);
      const principal = objectId?.toLowerCase() ?? servicePrincipalId(app, directoryId);
      state.exchange.addServicePrincipal(directoryId, app.clientId, principal);
    },
    addMailboxPermission(user: string, clientId: string): void {
      const { objectId, directoryId } = findUser(user);
      state.exchange.addMailboxPermission(objectId, servicePrincipalId(findApp(clientId), directoryId));
    },

    /** Redemptions of earlier grants fail with 50173, and Graph challenges earlier tokens. */
    revokeSessions(id: string): void {
      const user = findUser(id);
      user.generation += 1;
      user.revokedTime = state.clock.now();
      challenge(user);
    },
    /** Continuous access evaluation: Graph answers 401 with a claims challenge to earlier tokens that carry `cp1`. */
    challengeUser: (id: string) => challenge(findUser(id)),
    /** Redemptions fail with 50057. */
    disableUser(id: string): void {
      findUser(id).disabled = true;
    },
    enableUser(id: string): void {
      findUser(id).disabled = false;
    },
    /** Redemptions fail with 500341. */
    deleteUser(id: string): void {
      findUser(id).deleted = true;
    },
    restoreUser(id: string): void {
      findUser(id).deleted = false;
    },

    /** Redemptions of this user fail with the error until the policy is lifted, or satisfied by a new sign-in. */
    requirePolicy(id: string, input: PolicyInput): void {
      const user = findUser(id);
      addPolicy(user, createPolicy(input, { user: user.username }));
    },
    /** For one resource, or for all. */
    liftPolicy: (id: string, resource?: string) => removePolicies(findUser(id), resource),
    /** For all users of the directory and for the app itself, such as a disabled resource (500014) or a removed app (70001). */
    requireDirectoryPolicy(id: string, input: PolicyInput): void {
      const directory = findDirectory(id);
      addPolicy(directory, createPolicy(input, { directory: directory.displayName }));
    },
    liftDirectoryPolicy: (id: string, resource?: string) => removePolicies(findDirectory(id), resource),
    setUserConsent(id: string, userConsent: UserConsent): void {
      findDirectory(id).userConsent = userConsent;
    },
    /** For all apps of the directory; undefined: none. */
    setDirectoryPolicy(id: string, policy: AppManagementPolicyInput | undefined) {
      const directory = findDirectory(id);
      directory.managementPolicy = policy && createAppManagementPolicy(policy);
      return directory.managementPolicy;
    },

    /** Permissions such as `Mail.Send`, or with their resource. */
    grantConsent(id: string, clientId: string, permissions: string[]): void {
      grant(findUser(id).objectId, findApp(clientId).clientId, permissions);
      state.consents.addServicePrincipal(findUser(id).directoryId, findApp(clientId).clientId);
    },
    /** Of one permission, or of all. A consent for the whole directory stays. */
    withdrawConsent: (id: string, clientId: string, permission?: string) =>
      withdraw(findUser(id).objectId, findApp(clientId).clientId, permission),
    grantAdminConsent(id: string, clientId: string, permissions = findApp(clientId).permissions): void {
      state.consents.addServicePrincipal(findDirectory(id).id, findApp(clientId).clientId);
      grant(findDirectory(id).id, findApp(clientId).clientId, permissions);
    },
    withdrawAdminConsent: (id: string, clientId: string, permission?: string) =>
      withdraw(findDirectory(id).id, findApp(clientId).clientId, permission),

    /** As if the user had consented; fast enough for a hundred thousand tokens. `scopes` as in an authorization request. */
    issueRefreshToken(input: {
      clientId: string;
      userObjectId: string;
      scopes: string | string[];
      directoryId?: string | undefined;
    }): string {
      const { clientId } = findApp(input.clientId);
      const user = findUser(input.userObjectId);
      const { permissions, oidc } = parseScopes(state.resources, [input.scopes].flat().join(' '));
      state.consents.grant(user.objectId, clientId, state.resources.graph.id, oidc);
      for (const { resource, name } of permissions) state.consents.grant(user.objectId, clientId, resource.id, [name]);
      state.consents.addServicePrincipal(user.directoryId, clientId);
      return sealRefreshToken({
        id: randomUUID(),
        userObjectId: user.objectId,
        clientId,
        directoryId: input.directoryId ?? user.directoryId,
        scopes: [...permissions.map(canonicalScope), ...oidc],
        issuedTime: state.clock.now(),
        generation: user.generation,
        instanceId: state.instanceId,
      });
    },
    /** The content of a refresh token; undefined: not issued by a sandbox. */
    describeRefreshToken: openRefreshToken,

    injectFault: (fault: FaultInput) => state.faults.inject(fault),
    removeFault: (id: string) => void existing(state.faults.remove(id) || undefined, `fault ${id}`),
    clearFaults: () => state.faults.clear(),
    /** The next token request stops at a gate until `release()`. */
    holdNextToken: ({ stage }: Pick<GateInput, 'stage'> = {}) => state.gates.next({ stage }),
    /** The next request of this Graph operation stops at a gate until `release()`. */
    holdNextGraph: (operation: GateInput['operation'], { stage }: Pick<GateInput, 'stage'> = {}) =>
      state.gates.next({ stage, operation }),
    /** A gate by its id. */
    findHold: (id: string) => existing(state.gates.find(id), `hold ${id}`),
    /** The latest ten thousand requests. */
    requests: () => state.requests.list(),
    counters: () => state.requests.counts(),
    clearRequests: () => state.requests.clear(),
    /** Requests that followed the 307 of a `redirect` fault. */
    trapped: () => [...state.trapped],
  };
}

function existing<Thing>(thing: Thing | undefined, name: string): Thing {
  if (thing === undefined) throw new RangeError(`The sandbox has no ${name}. GET /sandbox lists what it has.`);
  return thing;
}

function domainOf(username: string): string {
  return username.slice(username.lastIndexOf('@') + 1);
}
