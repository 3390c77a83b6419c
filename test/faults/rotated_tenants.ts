import { expect } from 'vitest';
import * as reader from '../store/independent_reader.ts';
import { CONNECTIONS_EACH, TENANTS } from './many_tenants.ts';

/** A refresh token as it is stored. */
export interface StoredToken {
  readonly tenantUid: string;
  readonly tenantId: string;
  readonly uid: string;
  readonly connectionId: string;
  readonly refreshToken: Buffer;
}

/** A wrapped data key as it is stored. */
export interface StoredDek {
  readonly tenantUid: string;
  readonly tenantId: string;
  readonly version: number;
  readonly wrapped: Buffer;
}

/** What a vault has stored. */
export interface StoredVault {
  readonly deploymentId: string;
  readonly deks: readonly StoredDek[];
  readonly tokens: readonly StoredToken[];
  /** How many are under the first data key. */
  readonly oldValues: number;
}

/** The names of all data keys that are rotated. */
const KEY_OWNERS = ['vault', ...Array.from({ length: TENANTS }, (_, index) => `tenants/t${index}`)];

/** As an operator with a script, who rotates four keys at once. */
export async function rotateAll(rotate: (tenant: string) => Promise<unknown>): Promise<void> {
  const owners = KEY_OWNERS.values();
  const rotateRest = async () => {
    for (const tenant of owners) await rotate(tenant);
  };
  await Promise.all([rotateRest(), rotateRest(), rotateRest(), rotateRest()]);
}

/** Counts values under the first data key, of the tenants `t0`, `t1` and so on, and of the vault. `one`: the byte 1 in the dialect. */
export const countOldValues = (one: "x'01'" | "'\\x01'") => `SELECT count(*) AS count FROM (
    SELECT tenant_uid, personal AS value FROM connections UNION ALL SELECT tenant_uid, refresh_token FROM connections
    UNION ALL SELECT tenant_uid, previous_refresh_token FROM connections UNION ALL SELECT tenant_uid, token FROM access_tokens
    UNION ALL SELECT tenant_uid, material FROM credentials UNION ALL SELECT 'vault', checkpoint FROM audit_streams
    UNION ALL SELECT 'vault', value FROM meta WHERE key IN ('canary', 'root_keys', 'audit_key')) AS sealed
  WHERE substr(value, 6, 1) = ${one}
    AND (tenant_uid = 'vault' OR tenant_uid IN (SELECT uid FROM tenants WHERE tenant_id LIKE 't%'))`;

export const SELECT_TOKENS = `SELECT c.tenant_uid AS "tenantUid", t.tenant_id AS "tenantId", c.uid, c.connection_id AS "connectionId",
    c.refresh_token AS "refreshToken" FROM connections AS c JOIN tenants AS t ON t.uid = c.tenant_uid WHERE t.tenant_id LIKE 't%'`;

export const SELECT_DEKS = `SELECT d.tenant_uid AS "tenantUid", coalesce(t.tenant_id, 'vault') AS "tenantId", d.version, d.wrapped
    FROM deks AS d LEFT JOIN tenants AS t ON t.uid = d.tenant_uid`;

/** Unwraps data keys with node:crypto alone, by tenant. */
function unwrapAll(deploymentId: string, root: Buffer, rows: readonly StoredDek[]): ReadonlyMap<string, Buffer> {
  return new Map(
    rows.map((row) => [
      row.tenantUid,
      reader.unwrap(root, { deploymentId, ...row }, Number(row.version), row.wrapped).dek,
    ]),
  );
}

/** Each tenant has a new data key alone, under the root key, and all is sealed under it. */
export function expectAllRotated(root: Buffer, before: StoredVault, after: StoredVault): void {
  const { deploymentId, deks, tokens, oldValues } = after;
  expect(oldValues).toBe(0);
  expect(deks.filter(({ tenantId, version }) => /^t\d/.test(tenantId) && Number(version) < 2)).toEqual([]);
  expect(tokens).toHaveLength(TENANTS * CONNECTIONS_EACH);
  const old = unwrapAll(deploymentId, root, before.deks);
  expectRotated(deploymentId, tokens, old, unwrapAll(deploymentId, root, deks));
}

/** Every token opens with the new data key of its tenant, and none with the old one. */
function expectRotated(
  deploymentId: string,
  tokens: readonly StoredToken[],
  old: ReadonlyMap<string, Buffer>,
  young: ReadonlyMap<string, Buffer>,
): void {
  for (const { refreshToken, ...row } of tokens) {
    const place = { recordType: 'connection', recordUid: row.uid, column: 'refresh_token', names: [row.connectionId] };
    const open = (deks: ReadonlyMap<string, Buffer>) =>
      reader.openRecord(deks.get(row.tenantUid) ?? Buffer.alloc(32), { deploymentId, ...row }, place, refreshToken);
    expect(reader.versionOf(refreshToken)).toBeGreaterThan(1);
    expect(open(young).length).toBeGreaterThan(0);
    expect(() => open(old)).toThrow('other key');
  }
}
