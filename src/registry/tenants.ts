import type { App, Cloud } from '../model/app.ts';
import { fieldInvalid, VaultError } from '../model/errors.ts';
import { checkEtag } from '../model/etag.ts';
import type { Page, PageRequest } from '../model/page.ts';
import type { Tenant } from '../model/tenant.ts';
import { sharedAppInUse } from './app_in_use.ts';
import type { AppDetails } from './apps.ts';
import { createLookup } from './lookup.ts';
import type { CredentialRequest } from './new_credential.ts';
import type { NextSteps } from './next_steps.ts';
import type { ProbeReport } from './probe.ts';
import { registerTenant } from './register_tenant.ts';
import type { RegistryParts } from './registry_parts.ts';
import type { RotationRequest } from './rotation_policy.ts';
import { updatedTenant, withState } from './tenant_update.ts';

/** Our customers, as an operator sees them. In requests `''` and `[]` stand for "not given", as on the wire. */
export interface Tenants {
  /** The whole onboarding, with an app or without, in one commit, then a probe that warns and never refuses. FIELD_INVALID, TENANT_EXISTS. */
  register(request: RegisterTenant): Promise<RegisteredTenant>;
  /** TENANT_NOT_FOUND. */
  get(tenantId: string): Promise<Tenant>;
  /** In the order of their ids. */
  list(request: ListTenants): Promise<Page<Tenant>>;
  /** TENANT_NOT_FOUND, FIELD_INVALID, ETAG_MISMATCH. */
  update(request: UpdateTenant): Promise<Tenant>;
  suspend(request: TenantWithEtag): Promise<Tenant>;
  resume(request: TenantWithEtag): Promise<Tenant>;
  /** Shreds. The etag is required. TENANT_NOT_EMPTY, and APP_IN_USE even when forced. */
  delete(request: TenantWithEtag & { readonly force: boolean }): Promise<void>;
}

export interface TenantWithEtag {
  readonly tenantId: string;
  readonly etag: string;
}

export interface RegisterTenant {
  readonly tenantId: string;
  readonly displayName: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly preset: string;
  readonly baseUrl: string;
  readonly strategy: string;
  readonly catalog: string;
  readonly allowedDirectoryIds: readonly string[];
  readonly expiryThresholds: readonly number[];
  /** Undefined: the tenant connects through apps that are shared with it. */
  readonly app: AppRegistration | undefined;
  readonly validateOnly: boolean;
}

/** `AppRegistration` of the wire: an app with its first credential, flat. */
export interface AppRegistration {
  readonly clientId: string;
  readonly displayName: string;
  readonly signInAudience: string;
  readonly homeDirectoryId: string;
  /** Undefined: GLOBAL. */
  readonly cloud: Cloud | undefined;
  readonly redirectUris: readonly string[];
  readonly returnUrlPrefixes: readonly string[];
  readonly implicitPermissions: readonly string[];
  /** Undefined: the vault renews nothing by itself. */
  readonly rotation: RotationRequest | undefined;
  /** `expireTime` is `app.secret_expire_time`. */
  readonly credential: CredentialRequest;
}

export interface RegisteredTenant {
  readonly tenant: Tenant;
  /** Undefined, as the probe: none was given. */
  readonly app: AppDetails | undefined;
  readonly probe: ProbeReport | undefined;
  readonly nextSteps: NextSteps;
}

export interface ListTenants {
  readonly page: PageRequest;
  /** Whom the caller may see; undefined: all. */
  readonly tenantIds: readonly string[] | undefined;
}

export interface UpdateTenant extends TenantWithEtag {
  /** `expiryThresholds`: `[]` stands for those that the vault is configured with. */
  readonly fields: Pick<Tenant, 'displayName' | 'labels' | 'catalog' | 'allowedDirectoryIds'> & {
    readonly expiryThresholds: readonly number[];
  };
  /** Paths as on the wire (`display_name`); undefined: the fields that are not empty. */
  readonly updateMask: readonly string[] | undefined;
}

export function createTenants(parts: RegistryParts): Tenants {
  const { stores, authorizationServer, scopes, changes, clock } = parts;
  const lookup = createLookup(stores);

  async function change({ tenantId, etag }: TenantWithEtag, move: (tenant: Tenant) => Tenant): Promise<Tenant> {
    const before = await lookup.tenant(tenantId);
    checkEtag(before, etag, nameOf(before));
    const after = move(before);
    if (after === before) return before;
    const stored = await stores.tenants.update(before, after);
    changes.announce({ kind: 'tenant', uid: stored.uid });
    return stored;
  }

  async function appsOf(tenantId: string): Promise<readonly App[]> {
    const apps: App[] = [];
    let after: string | undefined;
    do {
      const page = await stores.apps.list({ size: 1_000, after }, [tenantId]);
      apps.push(...page.items);
      after = page.next;
    } while (after !== undefined);
    return apps;
  }

  return {
    register: (request) => registerTenant(parts, request),
    get: (tenantId) => lookup.tenant(tenantId),
    list: ({ page, tenantIds }) => stores.tenants.list(page, tenantIds),
    update: (request) => change(request, (tenant) => updatedTenant(tenant, request, scopes, clock.now())),
    suspend: (request) => change(request, (tenant) => withState(tenant, 'SUSPENDED', clock.now())),
    resume: (request) => change(request, (tenant) => withState(tenant, 'ACTIVE', clock.now())),

    async delete({ tenantId, etag, force }) {
      const tenant = await lookup.tenant(tenantId);
      const name = nameOf(tenant);
      if (etag === '')
        throw fieldInvalid('etag', `is required: read ${name} and hand back its etag, since nothing brings it back`);
      checkEtag(tenant, etag, name);
      const foreign = await stores.tenants.countForeignConnections(tenant.uid);
      if (foreign > 0) throw sharedAppInUse(name, foreign);
      const own = force ? 0 : await stores.tenants.countConnections(tenant.uid);
      if (own > 0) {
        throw new VaultError('TENANT_NOT_EMPTY', `${name} has ${own} connections; delete them, or force`, {
          metadata: { resource: name, connections: String(own) },
        });
      }
      const apps = await appsOf(tenantId);
      // As soon as it is suspended nothing of it is served from memory, also where the rest takes long or fails.
      const forget = () => {
        for (const { uid } of apps) {
          authorizationServer.forget(uid);
          changes.announce({ kind: 'app', uid });
        }
        changes.announce({ kind: 'tenant', uid: tenant.uid });
      };
      try {
        await stores.tenants.delete(tenant, forget);
      } finally {
        // Also after a failure: its last commit may have succeeded.
        forget();
      }
    },
  };
}

function nameOf(tenant: Tenant): string {
  return `tenants/${tenant.tenantId}`;
}
