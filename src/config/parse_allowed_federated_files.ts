import { isAbsolute, normalize } from 'node:path';
import { type AllowedAssertionFiles, TENANT_PART } from '../model/federated_assertion_files.ts';
import { RESOURCE_ID } from '../model/id_patterns.ts';

const EXAMPLE = 'such as /run/tokens/{tenant}/,acme=/run/acme/token';

/** `TOKENVAULT_FEDERATED_FILES`: comma-separated entries; each belongs to one tenant, or has the tenant in its path. */
export function readFederatedFiles(text: string): readonly AllowedAssertionFiles[] | { readonly fault: string } {
  const entries: AllowedAssertionFiles[] = [];
  for (const part of text.split(',')) {
    const entry = readEntry(part.trim());
    if ('fault' in entry) return entry;
    const other = entries.find((known) => overlap(known, entry));
    if (other !== undefined) {
      return { fault: `${entry.path} and ${other.path} overlap, so a tenant could use the file of another tenant` };
    }
    entries.push(entry);
  }
  return entries;
}

function readEntry(text: string): AllowedAssertionFiles | { readonly fault: string } {
  const [, tenantId, given = ''] = /^(?:([^/=]*)=)?(.*)$/s.exec(text) ?? [];
  const path = given.replace(/\/+$/, '');
  if (tenantId !== undefined && !RESOURCE_ID.test(tenantId)) return { fault: `${tenantId} is not the id of a tenant` };
  if (!isAbsolute(path) || normalize(path) !== path || path.length > 1_024 || /\p{Cc}/u.test(path)) {
    return { fault: `must be absolute paths without . and .. in them, ${EXAMPLE}` };
  }
  const named = path.split('/').filter((part) => part.includes('{') || part.includes('}'));
  if (tenantId !== undefined ? named.length > 0 : named.length !== 1 || named[0] !== TENANT_PART) {
    return {
      fault: `each entry must name its tenant: TENANT=PATH, or {tenant} once as a path segment; ${EXAMPLE}`,
    };
  }
  return { tenantId, path };
}

/** Whether two different tenants could use one file. */
function overlap(one: AllowedAssertionFiles, other: AllowedAssertionFiles): boolean {
  const [parts, others] = [one.path.split('/'), other.path.split('/')];
  let [tenant, otherTenant] = [one.tenantId, other.tenantId];
  for (const [i, part] of parts.slice(0, others.length).entries()) {
    const otherPart = others[i];
    if (part === otherPart && part === TENANT_PART) return false;
    if (part === TENANT_PART) tenant = otherPart;
    else if (otherPart === TENANT_PART) otherTenant = part;
    else if (part !== otherPart) return false;
  }
  // Undefined means any tenant.
  return tenant === undefined || tenant !== otherTenant;
}
