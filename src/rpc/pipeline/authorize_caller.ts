import type { MessageShape } from '@bufbuild/protobuf';
import type { GenService, GenServiceMethods } from '@bufbuild/protobuf/codegenv2';
import type { AccessService } from '../../gen/tokenvault/v1/access_service_pb.ts';
import type { AppService } from '../../gen/tokenvault/v1/app_service_pb.ts';
import type { ConnectionService } from '../../gen/tokenvault/v1/connection_service_pb.ts';
import type { ContainmentService } from '../../gen/tokenvault/v1/containment_service_pb.ts';
import type { EventService } from '../../gen/tokenvault/v1/event_service_pb.ts';
import type { KeyService } from '../../gen/tokenvault/v1/key_service_pb.ts';
import type { ScopeService } from '../../gen/tokenvault/v1/scope_service_pb.ts';
import type { StatusService } from '../../gen/tokenvault/v1/status_service_pb.ts';
import type { TenantService } from '../../gen/tokenvault/v1/tenant_service_pb.ts';
import type { TokenService } from '../../gen/tokenvault/v1/token_service_pb.ts';
import { type Caller, ROLES, type Role, type Rule } from '../../model/authenticated_caller.ts';
import type { Timestamp } from '../../model/clock.ts';
import {
  type AccessDecision,
  type AccessMethod,
  type AccessTarget,
  type CompiledRules,
  compileRules,
} from '../../model/compiled_rules.ts';
import { VaultError } from '../../model/errors.ts';
import type { TenantLabels } from '../../model/tenant_labels.ts';

/** What a method requires: one of the roles, in the tenant of the request. */
export interface Access<Request> {
  readonly roles: readonly Role[];
  /** Name of the resource of the request, also of one to be created. Undefined: the method concerns no tenant. */
  readonly resource: ((request: Request) => string) | undefined;
  /** No rule is needed. */
  readonly isForEveryone?: true;
  /**
   * The method of the same service that each request of a batch calls. Rules are about that method alone, so that a batch
   * can do no more than single calls. The batch itself needs a rule for it in any tenant.
   */
  readonly batchOf?: string;
}

type AccessOf<Service> =
  Service extends GenService<infer Methods extends GenServiceMethods>
    ? { readonly [Method in keyof Methods]: Access<MessageShape<Methods[Method]['input']>> }
    : never;

const operator: readonly Role[] = ['operator'];
const connector: readonly Role[] = ['connector'];
const connectorOrOperator: readonly Role[] = ['connector', 'operator'];
const reader: readonly Role[] = ['token_reader'];
const admin: readonly Role[] = ['admin'];
const adminOrOperator: readonly Role[] = ['admin', 'operator'];
const anyRole: readonly Role[] = ['operator', 'connector', 'token_reader'];

const byName = (request: { readonly name: string }) => request.name;
const byParent = (request: { readonly parent: string }) => request.parent;
/** Requires a rule for all tenants. */
const allTenants = () => 'tenants/*';
/** Lists what the caller may see. */
const visibleTenants = () => 'tenants/-';
/** The data key of the vault itself requires a rule for all tenants. */
const byKeyOwner = ({ tenant }: { readonly tenant: string }) => (tenant === 'vault' ? allTenants() : tenant);
const byConnection = (request: { readonly connection: string }) => request.connection;

/** A method without a row does not compile. Roles of administrators cannot read tokens. */
export const ACCESS = {
  'tokenvault.v1.TenantService': {
    registerTenant: { roles: operator, resource: (request) => `tenants/${request.tenantId}` },
    getTenant: { roles: operator, resource: byName },
    listTenants: { roles: operator, resource: visibleTenants },
    updateTenant: { roles: operator, resource: (request) => request.tenant?.name ?? '' },
    suspendTenant: { roles: operator, resource: byName },
    resumeTenant: { roles: operator, resource: byName },
    deleteTenant: { roles: operator, resource: byName },
    setAccessLabels: { roles: admin, resource: byName },
  } satisfies AccessOf<typeof TenantService>,
  'tokenvault.v1.AppService': {
    createApp: { roles: operator, resource: (request) => `${request.parent}/apps/${request.appId}` },
    getApp: { roles: operator, resource: byName },
    listApps: { roles: operator, resource: byParent },
    updateApp: { roles: operator, resource: (request) => request.app?.name ?? '' },
    deleteApp: { roles: operator, resource: byName },
    addCredential: { roles: operator, resource: (request) => `${request.parent}/credentials/${request.credentialId}` },
    removeCredential: { roles: operator, resource: byName },
    verifyApp: { roles: operator, resource: byName },
    rotateCredential: { roles: operator, resource: byName },
    listExpiringCredentials: { roles: operator, resource: byParent },
    listCredentials: { roles: operator, resource: byParent },
  } satisfies AccessOf<typeof AppService>,
  'tokenvault.v1.ConnectionService': {
    startAuthorization: { roles: connector, resource: byConnection },
    completeAuthorization: { roles: connector, resource: byConnection },
    confirmAuthorization: { roles: connector, resource: byConnection },
    watchAuthorization: { roles: connector, resource: byConnection },
    startAdminConsent: { roles: connectorOrOperator, resource: byParent },
    importConnection: { roles: connectorOrOperator, resource: byConnection },
    getConnection: { roles: connectorOrOperator, resource: byName },
    listConnections: { roles: connectorOrOperator, resource: byParent },
    updateConnection: { roles: connectorOrOperator, resource: (request) => request.connection?.name ?? '' },
    verifyConnection: { roles: connectorOrOperator, resource: byName },
    suspendConnection: { roles: connectorOrOperator, resource: byName },
    resumeConnection: { roles: connectorOrOperator, resource: byName },
    deleteConnection: { roles: connectorOrOperator, resource: byName },
  } satisfies AccessOf<typeof ConnectionService>,
  'tokenvault.v1.TokenService': {
    getAccessToken: { roles: reader, resource: byConnection },
    batchGetAccessTokens: { roles: reader, resource: undefined, batchOf: 'getAccessToken' },
    watchAccessToken: { roles: reader, resource: byConnection },
    getAppAccessToken: { roles: reader, resource: (request) => request.app },
  } satisfies AccessOf<typeof TokenService>,
  'tokenvault.v1.EventService': {
    watchEvents: { roles: operator, resource: byParent },
    listDeadLetters: { roles: operator, resource: allTenants },
    redeliverDeadLetters: { roles: operator, resource: allTenants },
  } satisfies AccessOf<typeof EventService>,
  'tokenvault.v1.AccessService': {
    whoAmI: { roles: ROLES, resource: undefined, isForEveryone: true },
    listCallers: { roles: admin, resource: allTenants },
    explainAccess: { roles: adminOrOperator, resource: (request) => request.resource || 'tenants/*' },
  } satisfies AccessOf<typeof AccessService>,
  'tokenvault.v1.StatusService': {
    getStatus: { roles: operator, resource: allTenants },
  } satisfies AccessOf<typeof StatusService>,
  'tokenvault.v1.KeyService': {
    getKeyring: { roles: admin, resource: allTenants },
    rotateRootKey: { roles: admin, resource: allTenants },
    getTenantKey: { roles: admin, resource: byKeyOwner },
    rotateTenantKey: { roles: admin, resource: byKeyOwner },
  } satisfies AccessOf<typeof KeyService>,
  'tokenvault.v1.ContainmentService': {
    contain: { roles: admin, resource: allTenants },
    lift: { roles: admin, resource: allTenants },
    listContainments: { roles: adminOrOperator, resource: allTenants },
    containLocal: { roles: admin, resource: allTenants },
    liftLocal: { roles: admin, resource: allTenants },
  } satisfies AccessOf<typeof ContainmentService>,
  'tokenvault.v1.ScopeService': {
    listCatalogs: { roles: anyRole, resource: undefined },
    translateScopes: { roles: anyRole, resource: undefined },
  } satisfies AccessOf<typeof ScopeService>,
} as const;

/** The methods that rules are about: without those for everyone, and batches. */
export const METHODS: readonly AccessMethod[] = Object.entries(ACCESS).flatMap(([service, rows]) =>
  Object.entries<Access<never>>(rows)
    .filter(([, { isForEveryone, batchOf }]) => !isForEveryone && batchOf === undefined)
    .map(([method, { roles }]) => ({ name: methodName(service, method), roles })),
);

/** `typeName` of a service, and the name of its method in any case. */
export function methodName(typeName: string, method: string): string {
  return `${typeName.slice(typeName.lastIndexOf('.') + 1)}/${method.charAt(0).toUpperCase()}${method.slice(1)}`;
}

const compiled = new WeakMap<readonly Rule[], CompiledRules>();

/**
 * Whether the caller's rules allow the call, before any validation (AIP-211). A malformed name is left to validation if
 * the caller may call the method in any tenant.
 */
export function decide(
  caller: Caller,
  method: AccessMethod,
  resource: string,
  now: Timestamp,
  labels?: TenantLabels,
): AccessDecision {
  let rules = compiled.get(caller.rules);
  if (rules === undefined) {
    rules = compileRules(caller.rules);
    compiled.set(caller.rules, rules);
  }
  return rules.decide(method, targetOf(resource), now, labels);
}

/** The same for a missing and for a forbidden resource, so that callers cannot probe for names. */
export function accessDenied(caller: Caller, { roles }: AccessMethod, resource: string): VaultError {
  const target = resource === '' ? 'call this method' : `access ${resource}, or it does not exist`;
  const needed = `grant the role ${roles.join(' or ')}`;
  return new VaultError(
    'ACCESS_DENIED',
    `Caller ${caller.id} may not ${target}. The operator of the vault can ${needed}.`,
  );
}

const NAME = /^tenants\/([^/]+)(?:\/connections\/(.*))?/s;

const ALL: AccessTarget = { kind: 'ALL', tenant: '', connection: undefined };
const VISIBLE: AccessTarget = { kind: 'VISIBLE', tenant: '', connection: undefined };
const NONE: AccessTarget = { kind: 'NONE', tenant: '', connection: undefined };

/** `NONE` also for an empty name and for a malformed one, which validation rejects. */
export function targetOf(resource: string): AccessTarget {
  if (resource === 'tenants/*') return ALL;
  if (resource === 'tenants/-') return VISIBLE;
  const [, tenant, connection] = NAME.exec(resource) ?? [];
  if (tenant === undefined || tenant === '-') return NONE;
  return { kind: connection === undefined ? 'TENANT' : 'CONNECTION', tenant, connection };
}
