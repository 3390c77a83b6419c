import type { MessageShape } from '@bufbuild/protobuf';
import type { GenService, GenServiceMethods } from '@bufbuild/protobuf/codegenv2';
import type { AppService } from '../../gen/tokenvault/v1/app_service_pb.ts';
import type { ConnectionService } from '../../gen/tokenvault/v1/connection_service_pb.ts';
import type { EventService } from '../../gen/tokenvault/v1/event_service_pb.ts';
import type { ScopeService } from '../../gen/tokenvault/v1/scope_service_pb.ts';
import type { TenantService } from '../../gen/tokenvault/v1/tenant_service_pb.ts';
import type { TokenService } from '../../gen/tokenvault/v1/token_service_pb.ts';
import type { Caller, Role, Rule } from '../../model/caller.ts';
import { VaultError } from '../../model/errors.ts';

/** What a method takes: one of the roles, in the tenant that the request names. */
export interface Access<Request> {
  readonly roles: readonly Role[];
  /** Name of the resource that the request is about, also of one to be made; undefined: it is about none, any rule with the role will do. */
  readonly resource: ((request: Request) => string) | undefined;
}

type AccessOf<Service> =
  Service extends GenService<infer Methods extends GenServiceMethods>
    ? { readonly [Method in keyof Methods]: Access<MessageShape<Methods[Method]['input']>> }
    : never;

const operator: readonly Role[] = ['operator'];
const connector: readonly Role[] = ['connector'];
const connectorOrOperator: readonly Role[] = ['connector', 'operator'];
const reader: readonly Role[] = ['token_reader'];
const anybody: readonly Role[] = ['operator', 'connector', 'token_reader'];

const byName = (request: { readonly name: string }) => request.name;
const byParent = (request: { readonly parent: string }) => request.parent;
/** A rule for `*`; a name of no tenant. */
const everywhere = () => 'tenants/*';
const byConnection = (request: { readonly connection: string }) => request.connection;

/** The one table: a method without a row does not compile. Administrators' roles read no tokens. */
export const ACCESS = {
  'tokenvault.v1.TenantService': {
    registerTenant: { roles: operator, resource: (request) => `tenants/${request.tenantId}` },
    getTenant: { roles: operator, resource: byName },
    listTenants: { roles: operator, resource: undefined },
    updateTenant: { roles: operator, resource: (request) => request.tenant?.name ?? '' },
    suspendTenant: { roles: operator, resource: byName },
    resumeTenant: { roles: operator, resource: byName },
    deleteTenant: { roles: operator, resource: byName },
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
  } satisfies AccessOf<typeof AppService>,
  'tokenvault.v1.ConnectionService': {
    startAuthorization: { roles: connector, resource: byConnection },
    completeAuthorization: { roles: connector, resource: byConnection },
    confirmAuthorization: { roles: connector, resource: byConnection },
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
    watchAccessToken: { roles: reader, resource: byConnection },
    getAppAccessToken: { roles: reader, resource: (request) => request.app },
  } satisfies AccessOf<typeof TokenService>,
  'tokenvault.v1.EventService': {
    watchEvents: { roles: operator, resource: byParent },
    listDeadLetters: { roles: operator, resource: everywhere },
    redeliverDeadLetters: { roles: operator, resource: everywhere },
  } satisfies AccessOf<typeof EventService>,
  'tokenvault.v1.ScopeService': {
    listCatalogs: { roles: anybody, resource: undefined },
    translateScopes: { roles: anybody, resource: undefined },
  } satisfies AccessOf<typeof ScopeService>,
} as const;

const TENANT = /^tenants\/([^/]+)/;

/**
 * The rule that lets the caller through, before any validation (AIP-211). What does not exist and what is not the
 * caller's are answered alike, so that nobody learns names by asking. A name that cannot be read is left to validation,
 * for whoever has the role somewhere.
 */
export function authorize(caller: Caller, roles: readonly Role[], resource: string): Rule {
  const tenant = tenantOf(resource);
  for (const rule of caller.rules) {
    if (!roles.includes(rule.role)) continue;
    if (tenant === undefined || rule.tenants.includes('*') || rule.tenants.includes(tenant)) return rule;
  }
  const where = resource === '' ? '' : ` on ${resource}`;
  throw new VaultError(
    'ACCESS_DENIED',
    `Caller ${caller.id} may not do this${where}, or it does not exist; the operator of the vault grants it as ${roles.join(' or ')}`,
    { metadata: { caller: caller.id } },
  );
}

/** Tenants in which the caller has one of the roles; undefined: in all of them. */
export function tenantsOf(caller: Caller, roles: readonly Role[]): readonly string[] | undefined {
  const tenants = caller.rules.filter((rule) => roles.includes(rule.role)).flatMap((rule) => rule.tenants);
  return tenants.includes('*') ? undefined : [...new Set(tenants)];
}

/** Undefined for no tenant in particular: `tenants/-`, no name at all, or one that validation will refuse. */
function tenantOf(resource: string): string | undefined {
  const tenant = TENANT.exec(resource)?.[1];
  return tenant === '-' ? undefined : tenant;
}
