import { stringify } from 'yaml';
import { newApiKey } from '../../model/api_key.ts';
import type { Role, ScopeCeiling } from '../../model/authenticated_caller.ts';
import { DAY, type Timestamp } from '../../model/clock.ts';

export interface NewKeyFlags {
  readonly keyId: string;
  readonly expires: Timestamp | undefined;
  /** Undefined: only the key is printed, for a caller that has rules. */
  readonly role: Role | undefined;
  readonly tenant: readonly string[];
  readonly connections: string | undefined;
  readonly scopes: readonly string[] | undefined;
  readonly excess: ScopeCeiling['excess'] | undefined;
  readonly json: boolean;
}

const LIFE = 365 * DAY;

/** Prints the key, which is not stored, and its entry in the callers file, which has its hash. */
export function printNewApiKey(caller: string, flags: NewKeyFlags): void {
  const { key, sha256 } = newApiKey(caller);
  const expire_time = new Date(flags.expires ?? Date.now() + LIFE).toISOString();
  const api_keys = [{ id: flags.keyId, sha256, expire_time }];
  const entry = { id: caller, api_keys, ...(flags.role && { rules: [ruleOf(flags.role, flags)] }) };
  if (flags.json) {
    console.log(JSON.stringify({ caller, api_key: key, sha256, expire_time, entry }));
    return;
  }
  console.log(`API key, for the caller only (it is not stored):\n\n  ${key}\n`);
  const where = flags.role === undefined ? 'below `api_keys:` of the caller' : 'below `callers:`';
  console.log(`In the callers file, TOKENVAULT_CALLERS_FILE, ${where}:\n`);
  console.log(indented(stringify(flags.role === undefined ? api_keys : [entry], { lineWidth: 0 }), flags.role));
}

function ruleOf(role: Role, { tenant, connections, scopes, excess }: NewKeyFlags) {
  const id = `${role.replace('_', '-')}-1`;
  return { id, role, tenants: [...tenant], ...(connections && { connections }), ...(scopes && { scopes, excess }) };
}

/** As deep as it stands in the file. */
function indented(yaml: string, role: Role | undefined): string {
  return yaml.trimEnd().replaceAll(/^/gm, role === undefined ? '      ' : '  ');
}
