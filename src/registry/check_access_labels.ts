import { checkLabels } from '../model/check_text_fields.ts';
import { fieldInvalid, VaultError } from '../model/errors.ts';
import { ACCESS_PREFIX, type AccessLabels, accessLabelsOf } from '../model/tenant_labels.ts';

type Labels = Readonly<Record<string, string>>;

/**
 * The labels of a tenant after an operator set them. Its access labels stay: they may be repeated, since clients send
 * back what they read. FIELD_INVALID, ACCESS_DENIED.
 */
export function withoutAccessChange(field: string, before: Labels, labels: Labels): Labels {
  const kept = accessLabelsOf(before);
  for (const [key, value] of Object.entries(accessLabelsOf(labels))) {
    if (kept[key] === value) continue;
    const message = `${field}: Only the role admin may set labels with the prefix ${ACCESS_PREFIX}, because rules of callers depend on them. Use SetAccessLabels for ${key}.`;
    throw new VaultError('ACCESS_DENIED', message, { metadata: { field } });
  }
  return checkLabels(field, { ...labels, ...kept });
}

/** The labels of a tenant after an administrator replaced its access labels. FIELD_INVALID. */
export function withAccessLabels(field: string, before: Labels, access: AccessLabels): Labels {
  const wrong = Object.keys(access).find((key) => !key.startsWith(ACCESS_PREFIX));
  if (wrong !== undefined)
    throw fieldInvalid(field, `keys must begin with ${ACCESS_PREFIX}. Set other labels with UpdateTenant.`);
  const others = Object.entries(before).filter(([key]) => !key.startsWith(ACCESS_PREFIX));
  return checkLabels(field, { ...Object.fromEntries(others), ...access });
}
