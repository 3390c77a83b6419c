/** Labels of tenants that rules may select by have this prefix. Only the role `admin` sets them. */
export const ACCESS_PREFIX = 'access.';

/** Labels with the prefix, or those that a rule requires. */
export type AccessLabels = Readonly<Record<string, string>>;

/** The access labels of all tenants, in memory, since each call is decided by them. */
export interface TenantLabels {
  /** The same object for equal labels; without labels also of a tenant that does not exist. Undefined: not known now. */
  of(tenantId: string): AccessLabels | undefined;
  /** Ids of the tenants that have these labels; none while they are not known. */
  select(selector: AccessLabels): readonly string[];
}

export const NO_LABELS: AccessLabels = {};

/** Of a vault without tenants that have access labels. */
export const NO_TENANT_LABELS: TenantLabels = { of: () => NO_LABELS, select: () => [] };

export function accessLabelsOf(labels: Readonly<Record<string, string>>): AccessLabels {
  const entries = Object.entries(labels).filter(([key]) => key.startsWith(ACCESS_PREFIX));
  return entries.length === 0 ? NO_LABELS : Object.fromEntries(entries);
}

/** Whether the labels have all that the selector requires. */
export function hasLabels(labels: AccessLabels, selector: AccessLabels): boolean {
  return Object.entries(selector).every(([key, value]) => labels[key] === value);
}

/** Equal for equal labels, in any order. */
export function labelsText(labels: AccessLabels): string {
  const entries = Object.entries(labels).sort(([one], [other]) => (one < other ? -1 : 1));
  return entries.map(([key, value]) => `${key}=${value}`).join(',');
}
