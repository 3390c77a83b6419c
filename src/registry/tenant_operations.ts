import { checkText } from '../model/check_text_fields.ts';
import type { Timestamp } from '../model/clock.ts';
import type { App } from '../model/entra_app.ts';
import { fieldInvalid, VaultError } from '../model/errors.ts';
import { checkEtag } from '../model/etag.ts';
import type { Page } from '../model/page.ts';
import type { Tenant, TenantState } from '../model/tenant.ts';
import type { Scopes } from '../scopes/scope_translator_interface.ts';
import { sharedAppInUse } from './app_in_use_errors.ts';
import { withAccessLabels, withoutAccessChange } from './check_access_labels.ts';
import { checkCatalog, checkGuids, checkThresholds } from './check_operator_fields.ts';
import { createLookup } from './find_resource_by_id.ts';
import { itemsOfWholePage } from './items_of_whole_page.ts';
import { registerTenant } from './register_tenant.ts';
import type { RegistryParts } from './registry_dependencies.ts';
import type {
  ListTenants,
  RegisteredTenant,
  RegisterTenant,
  SetAccessLabels,
  TenantWithEtag,
  UpdateTenant,
} from './tenant_request_types.ts';
import { masked } from './update_mask.ts';

/** The customers of the operator. In requests, `''` and `[]` mean "not set", as on the wire. */
export type Tenants = ReturnType<typeof createTenants>;

export function createTenants(parts: RegistryParts) {
  const { stores, authorizationServer, scopes, changes, clock } = parts;
  const lookup = createLookup(stores);

  async function change({ tenantId, etag }: TenantWithEtag, apply: (tenant: Tenant) => Tenant): Promise<Tenant> {
    const before = await lookup.tenant(tenantId);
    checkEtag(before, etag, nameOf(before));
    const after = apply(before);
    if (after === before) return before;
    const stored = await stores.tenants.update(before, after);
    changes.announce({ kind: 'tenant', uid: stored.uid });
    return stored;
  }

  /** A tenant that is in the state already is not written. */
  function setState(request: TenantWithEtag, state: TenantState): Promise<Tenant> {
    return change(request, (tenant) =>
      tenant.state === state ? tenant : { ...tenant, state, updateTime: clock.now() },
    );
  }

  async function appsOf(tenantId: string): Promise<readonly App[]> {
    const apps: App[] = [];
    let after: string | undefined;
    do {
      const page = await stores.apps.list({ size: 1_000, after }, [tenantId]);
      apps.push(...itemsOfWholePage(page));
      after = page.next;
    } while (after !== undefined);
    return apps;
  }

  return {
    /** Tenant, app and credential in one commit, then a probe, whose failure is only a warning. FIELD_INVALID, TENANT_EXISTS. */
    register: (request: RegisterTenant): Promise<RegisteredTenant> => registerTenant(parts, request),

    /** TENANT_NOT_FOUND. */
    get: (tenantId: string): Promise<Tenant> => lookup.tenant(tenantId),

    /** In the order of their ids. */
    list: ({ page, tenantIds }: ListTenants): Promise<Page<Tenant>> => stores.tenants.list(page, tenantIds),

    /** TENANT_NOT_FOUND, FIELD_INVALID, ETAG_MISMATCH. */
    update: (request: UpdateTenant): Promise<Tenant> =>
      change(request, (tenant) => updatedTenant(tenant, request, scopes, clock.now())),

    /** The tenant after the change, and its labels before. TENANT_NOT_FOUND, FIELD_INVALID, ETAG_MISMATCH. */
    async setAccessLabels(request: SetAccessLabels) {
      let before: Tenant['labels'] = {};
      const tenant = await change(request, (found) => {
        before = found.labels;
        return {
          ...found,
          labels: withAccessLabels('labels', found.labels, request.labels),
          updateTime: clock.now(),
        };
      });
      return { tenant, before };
    },

    suspend: (request: TenantWithEtag) => setState(request, 'SUSPENDED'),
    resume: (request: TenantWithEtag) => setState(request, 'ACTIVE'),

    /** Crypto-shreds the tenant. The etag is required. TENANT_NOT_EMPTY unless forced; APP_IN_USE even if forced. */
    async delete({ tenantId, etag, force }: TenantWithEtag & { readonly force: boolean }): Promise<void> {
      const tenant = await lookup.tenant(tenantId);
      const name = nameOf(tenant);
      if (etag === '') {
        throw fieldInvalid('etag', `is required, because a deletion is final. Read ${name} and pass its etag.`);
      }
      checkEtag(tenant, etag, name);
      const foreign = await stores.tenants.countForeignConnections(tenant.uid);
      if (foreign > 0) throw sharedAppInUse(name, foreign);
      const own = force ? 0 : await stores.tenants.countConnections(tenant.uid);
      if (own > 0) {
        throw new VaultError('TENANT_NOT_EMPTY', `${name} has ${own} connections. Delete them, or set force.`, {
          metadata: { resource: name, connections: String(own) },
        });
      }
      const apps = await appsOf(tenantId);
      // Once it is suspended, nothing of it may be served from memory, even if the rest takes long or fails.
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

const MUTABLE = ['displayName', 'labels', 'catalog', 'allowedDirectoryIds', 'expiryThresholdsDays'] as const;
const IMMUTABLE = ['name', 'uid', 'state', 'create_time', 'update_time', 'next_credential_expire_time', 'etag'];

/** The tenant after the update. FIELD_INVALID. */
function updatedTenant(
  tenant: Tenant,
  { fields, updateMask }: Pick<UpdateTenant, 'fields' | 'updateMask'>,
  scopes: Scopes,
  now: Timestamp,
): Tenant {
  const { displayName, labels, catalog, allowedDirectoryIds: directories, expiryThresholdsDays: days } = fields;
  const changing = masked(updateMask, fields, MUTABLE, IMMUTABLE);
  return {
    ...tenant,
    ...(changing.has('displayName') && {
      displayName: checkText('tenant.display_name', displayName) || tenant.tenantId,
    }),
    ...(changing.has('labels') && { labels: withoutAccessChange('tenant.labels', tenant.labels, labels) }),
    ...(changing.has('catalog') && { catalog: checkCatalog('tenant.catalog', catalog, scopes) }),
    ...(changing.has('allowedDirectoryIds') && {
      allowedDirectoryIds: checkGuids('tenant.allowed_directory_ids', directories, 'the id of a directory'),
    }),
    ...(changing.has('expiryThresholdsDays') && {
      expiryThresholds: checkThresholds('tenant.expiry_thresholds_days', days),
    }),
    updateTime: now,
  };
}

function nameOf(tenant: Tenant): string {
  return `tenants/${tenant.tenantId}`;
}
