import type { Timestamp } from '../model/clock.ts';
import { checkLabels, checkText } from '../model/labels.ts';
import type { Tenant, TenantState } from '../model/tenant.ts';
import type { Scopes } from '../scopes/scopes.ts';
import { checkCatalog, checkGuids, checkThresholds } from './check_fields.ts';
import type { UpdateTenant } from './tenant_requests.ts';
import { masked } from './update_mask.ts';

const PATHS = {
  display_name: 'displayName',
  labels: 'labels',
  catalog: 'catalog',
  allowed_directory_ids: 'allowedDirectoryIds',
  expiry_thresholds_days: 'expiryThresholds',
} as const;
type Field = (typeof PATHS)[keyof typeof PATHS];
const IMMUTABLE = ['name', 'uid', 'state', 'create_time', 'update_time', 'next_credential_expire_time', 'etag'];

/** The tenant as the update leaves it. FIELD_INVALID. */
export function updatedTenant(
  tenant: Tenant,
  { fields, updateMask }: Pick<UpdateTenant, 'fields' | 'updateMask'>,
  scopes: Scopes,
  now: Timestamp,
): Tenant {
  const changing = masked<Field>(updateMask, fields, PATHS, IMMUTABLE);
  return {
    ...tenant,
    ...(changing.has('displayName') && {
      displayName: checkText('tenant.display_name', fields.displayName) || tenant.tenantId,
    }),
    ...(changing.has('labels') && { labels: checkLabels('tenant.labels', fields.labels) }),
    ...(changing.has('catalog') && { catalog: checkCatalog('tenant.catalog', fields.catalog, scopes) }),
    ...(changing.has('allowedDirectoryIds') && {
      allowedDirectoryIds: checkGuids(
        'tenant.allowed_directory_ids',
        fields.allowedDirectoryIds,
        'the id of a directory',
      ),
    }),
    ...(changing.has('expiryThresholds') && {
      expiryThresholds: checkThresholds('tenant.expiry_thresholds_days', fields.expiryThresholds),
    }),
    updateTime: now,
  };
}

/** The same tenant where nothing changes, so that suspending twice writes nothing. */
export function withState(tenant: Tenant, state: TenantState, now: Timestamp): Tenant {
  return tenant.state === state ? tenant : { ...tenant, state, updateTime: now };
}
