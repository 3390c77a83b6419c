import { type Tenant, Tenant_StateSchema } from '../../gen/tokenvault/v1/tenant_pb.ts';
import { enumText } from '../enum_text.ts';
import { factLines } from '../format_table.ts';
import { dayOf, minuteOf } from '../status/format_times.ts';

export const TENANT_COLUMNS = ['STATE', 'EXPIRES', 'CATALOG', 'TENANT'];

export function tenantRow({ state, nextCredentialExpireTime: expiry, catalog, name }: Tenant): readonly string[] {
  return [enumText(Tenant_StateSchema, state), expiry === undefined ? '' : dayOf(expiry), catalog, name];
}

/** For people: what is not set is left out. */
export function tenantText(tenant: Tenant): readonly string[] {
  return factLines([
    ['Tenant', tenant.name],
    ['Name', tenant.displayName],
    ['State', enumText(Tenant_StateSchema, tenant.state)],
    ['Next expiry', minuteOf(tenant.nextCredentialExpireTime)],
    ['Catalog', tenant.catalog],
    ['Directories', tenant.allowedDirectoryIds.join(', ') || 'any'],
    ['Labels', labelsText(tenant.labels)],
    ['Reminders', tenant.expiryThresholdsDays.map((days) => `${days} d`).join(', ')],
    ['Created', minuteOf(tenant.createTime)],
    ['Changed', minuteOf(tenant.updateTime)],
    ['UID', tenant.uid],
  ]);
}

export function labelsText(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(', ');
}
