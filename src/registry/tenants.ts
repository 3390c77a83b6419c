import type { App } from '../model/app.ts';
import { fieldInvalid, VaultError } from '../model/errors.ts';
import { checkEtag } from '../model/etag.ts';
import type { Page } from '../model/page.ts';
import type { Tenant } from '../model/tenant.ts';
import { sharedAppInUse } from './app_in_use.ts';
import { createLookup } from './lookup.ts';
import { registerTenant } from './register_tenant.ts';
import type { RegistryParts } from './registry_parts.ts';
import type { ListTenants, RegisteredTenant, RegisterTenant, TenantWithEtag, UpdateTenant } from './tenant_requests.ts';
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
