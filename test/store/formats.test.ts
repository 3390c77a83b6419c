import { createSecretKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { createKek } from '../../src/keyring/key_encryption_key.ts';
import { computeMac, deriveMacKey } from '../../src/keyring/row_mac.ts';
import { openRecord, sealRecord, unwrapDek, wrapDek } from '../../src/keyring/sealed_record.ts';
import { createStores } from '../../src/store/create_stores.ts';
import { SEALED_COLUMNS } from '../../src/store/rows/sealed_columns.ts';
import { openSqlite } from '../../src/store/sqlite/open_sqlite.ts';
import type { Row } from '../../src/store/table_definitions.ts';
import { present, startVault } from '../conformance/vault_under_test.ts';
import * as reader from './independent_reader.ts';

const page = readFileSync('docs/formats.md', 'utf8');
const vectors = JSON.parse(/## Test vectors\n[\s\S]*?```json\n([\s\S]*?)```/.exec(page)?.[1] ?? '{}');
const { deploymentId, tenantUid, tenantId, wrappedDek, record, blindIndex, mac } = vectors;
const tenant = { deploymentId, tenantUid, tenantId };
const bytesOf = (hex: string) => Buffer.from(hex, 'hex');
const fixedSalt = (size: number) => Buffer.from(Array.from({ length: size }, (_, index) => index));
const dek = createSecretKey(bytesOf(wrappedDek.dek));
const indexKey = createSecretKey(bytesOf(wrappedDek.indexKey));

describe('the test vectors of docs/formats.md', () => {
  test('wrapped DEK', () => {
    const rootKey = bytesOf(vectors.kek);
    const kek = createKek(bytesOf(vectors.kek));
    const place = { ...tenant, version: wrappedDek.version };

    expect(reader.unwrap(rootKey, tenant, wrappedDek.version, bytesOf(wrappedDek.bytes))).toEqual({
      dek: bytesOf(wrappedDek.dek),
      indexKey: bytesOf(wrappedDek.indexKey),
    });
    expect(reader.rootKeyId(rootKey).toString('hex')).toBe(vectors.kekId);
    expect(kek.id.toString('hex')).toBe(vectors.kekId);
    expect(wrapDek(place, kek, { dek, indexKey, floor: 1 }, fixedSalt).toString('hex')).toBe(wrappedDek.bytes);
    expect(unwrapDek(place, [kek], bytesOf(wrappedDek.bytes)).dek.equals(dek)).toBe(true);
  });

  test('sealed record', () => {
    const place = { ...tenant, ...record };
    const { version } = record;
    const deks = { floor: 1, find: (wanted: number) => (wanted === version ? dek : undefined) };

    const opened = reader.openRecord(bytesOf(wrappedDek.dek), tenant, record, bytesOf(record.bytes));
    expect(opened.toString()).toBe(record.plaintext);
    expect(openRecord(place, deks, bytesOf(record.bytes)).toString()).toBe(record.plaintext);
    const sealed = sealRecord(place, version, dek, Buffer.from(record.plaintext), fixedSalt);
    expect(sealed.toString('hex')).toBe(record.bytes);
    expect(reader.versionOf(sealed)).toBe(version);
  });

  test('blind index', () => {
    expect(reader.usernameIndex(bytesOf(wrappedDek.indexKey), blindIndex.username)).toBe(blindIndex.index);
  });

  test('MAC', () => {
    expect(reader.macOf(bytesOf(wrappedDek.indexKey), tenant, mac).toString('hex')).toBe(mac.bytes);
    const computed = computeMac(deriveMacKey(indexKey), { ...tenant, ...mac }, mac.values);
    expect(computed.toString('hex')).toBe(mac.bytes);
  });
});

test('a program that was written from docs/formats.md opens what the vault stored', async () => {
  const rootKey = Buffer.alloc(32, 7).fill(9, 5);
  const keks = { current: createKek(Buffer.from(rootKey)) };
  const database = openSqlite({ path: ':memory:' });
  const vault = await startVault(async (clock) => ({
    stores: await createStores({ database, keks, clock }),
    database,
  }));
  const rows = await vault.dump();
  const one = <Name extends 'connections' | 'apps' | 'credentials'>(name: Name) =>
    present(rows[name]?.[0]) as Row<Name>;
  const meta = present(rows['meta']) as Row<'meta'>[];
  const stored = present(meta.find(({ key }) => key === 'deployment_id')?.value).toString();
  const owner = { deploymentId: stored, tenantUid: vault.tenant.uid, tenantId: 'acme' };
  const wrapped = (rows['deks'] as Row<'deks'>[]).find((row) => row.tenantUid === vault.tenant.uid);

  const keys = reader.unwrap(rootKey, owner, 1, present(wrapped).wrapped);

  const connection = one('connections');
  const token = { recordType: 'connection', recordUid: connection.uid, column: 'refresh_token', names: ['ada'] };
  const opened = reader.openRecord(keys.dek, owner, token, present(connection.refreshToken ?? undefined));
  expect(opened.toString()).toBe('rt-of-ada');
  expect(connection.usernameIndex).toBe(reader.usernameIndex(keys.indexKey, 'ada@contoso.com'));
  const { appUid, directoryId, objectId } = connection;
  const identity = {
    recordType: 'connection',
    recordUid: connection.uid,
    values: ['ada', appUid, 'acme', 'default', null, directoryId, objectId],
  };
  expect(connection.mac).toEqual(reader.macOf(keys.indexKey, owner, identity));

  const app = one('apps');
  const { clientId, cloud, signInAudience, redirectUris, returnUrlPrefixes, sharedWith } = app;
  const values = ['default', clientId, cloud, signInAudience, null, redirectUris, returnUrlPrefixes, sharedWith];
  expect(app.mac).toEqual(reader.macOf(keys.indexKey, owner, { recordType: 'app', recordUid: app.uid, values }));
  const { uid, material } = one('credentials');
  const credential = { recordType: 'credential', recordUid: uid, column: 'material', names: [clientId, cloud] };
  expect(JSON.parse(reader.openRecord(keys.dek, owner, credential, material).toString())).toEqual({
    kind: 'CLIENT_SECRET',
    clientSecret: 'secret of first',
  });
});

test('docs/formats.md has a line for each sealed column', () => {
  for (const [table, columns] of Object.entries(SEALED_COLUMNS)) {
    for (const column of Object.keys(columns)) {
      const inSql = [table, column].map((name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`));
      expect(page).toMatch(new RegExp(`^\\| \`${inSql.join('.')}\``, 'm'));
    }
  }
});
