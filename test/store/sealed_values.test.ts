import { randomBytes } from 'node:crypto';
import { eq, getTableName } from 'drizzle-orm';
import { expect, test } from 'vitest';
import { createKek } from '../../src/keyring/key_encryption_key.ts';
import { createKeyring } from '../../src/keyring/keyring.ts';
import { isVaultError } from '../../src/model/errors.ts';
import { Secret } from '../../src/model/secret.ts';
import { createStores } from '../../src/store/create_stores.ts';
import type { Database } from '../../src/store/database_interface.ts';
import { SEALED_COLUMNS } from '../../src/store/rows/sealed_columns.ts';
import { openSqlite } from '../../src/store/sqlite/open_sqlite.ts';
import type { Tables } from '../../src/store/table_definitions.ts';
import { readDeks, readMacs } from '../../src/store/vault/read_deks_and_macs.ts';
import { readSealedValues } from '../../src/store/vault/read_sealed_values.ts';
import { NOW, sampleAccessToken, sampleAttempt, sampleAuthorization, sampleGrant } from '../conformance/sample_rows.ts';
import { startVault } from '../conformance/vault_under_test.ts';

test('a value of every sealed column is read back, and opens with the DEKs that are read too', async () => {
  const { database, verify } = await filled();

  const { columns, failures, count } = await verify();

  expect(failures).toEqual([]);
  expect([...columns].sort()).toEqual(sealedColumns(database));
  // 600 connections with personal data and a refresh token: more than a batch.
  expect(count).toBeGreaterThan(1_200);
});

test('a changed name is found by the values and the MAC of its row', async () => {
  const { verify, damage, connection, database } = await filled();
  await damage('connections', { connectionId: 'other' }, eq(database.tables.connections.uid, connection.uid));

  const { failures } = await verify();

  expect(failures.sort()).toEqual([
    'access_tokens.token',
    'connections.mac tenants/acme/connections/other',
    'connections.personal',
    'connections.previous_refresh_token',
    'connections.refresh_token',
  ]);
});

async function filled() {
  const keks = { current: createKek(randomBytes(32)) };
  const database = openSqlite({ path: ':memory:' });
  const vault = await startVault(async (clock) => ({
    stores: await createStores({ database, keks, clock }),
    database,
  }));
  const { stores, connection, connect } = vault;
  await stores.audit.auditKey();
  await stores.audit.saveStream({
    streamId: 's1',
    name: 'host:/data/audit.jsonl',
    firstNumber: 1,
    firstTime: NOW,
    lastNumber: 1,
    lastTime: NOW,
    chain: 'aa',
  });
  for (let count = 0; count < 600; count++) await connect(`user-${count}`);
  const held = await vault.lease();
  await held.record({ connection, refreshToken: new Secret('rt-2'), accessToken: sampleAccessToken() });
  const authorization = sampleAuthorization(connection);
  await stores.authorizations.start({
    connection: undefined,
    authorization,
    handleHash: 'h',
    attempt: sampleAttempt(authorization),
    stateHash: 's',
  });
  await stores.authorizations.consent(authorization.uid, sampleGrant(), 'c', NOW + 1);

  /** As another process would, with the root key alone. */
  async function verify() {
    const [id] = (await vault.dump())['meta']?.filter((row) => (row as { key: string }).key === 'deployment_id') ?? [];
    const deploymentId = (id as { value: Buffer }).value.toString();
    const keyring = createKeyring({ keks, deploymentId });
    for await (const dek of readDeks(database)) keyring.adopt(dek);
    const columns = new Set<string>();
    const failures: string[] = [];
    let count = 0;
    for await (const { table, column, place, bytes } of readSealedValues(database)) {
      columns.add(`${table}.${column}`);
      count++;
      if (isRefused(() => keyring.open(place, bytes))) failures.push(`${table}.${column}`);
    }
    for await (const { table, row, mac } of readMacs(database)) {
      if (isRefused(() => keyring.checkMac(row, mac))) failures.push(`${table}.mac ${row.resource}`);
    }
    return { columns, failures, count };
  }

  return { ...vault, verify };
}

function isRefused(work: () => unknown): boolean {
  try {
    work();
    return false;
  } catch (error) {
    expect(isVaultError(error, 'RECORD_CORRUPT')).toBe(true);
    return true;
  }
}

/** As in SQL. */
function sealedColumns({ tables }: Database): string[] {
  return Object.entries(SEALED_COLUMNS)
    .flatMap(([name, columns]) => {
      const table = tables[name as keyof Tables];
      return Object.keys(columns).map((column) => {
        const { name: inSql } = table[column as never] as { name: string };
        return `${getTableName(table)}.${inSql}`;
      });
    })
    .sort();
}
