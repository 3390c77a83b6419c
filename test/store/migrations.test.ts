import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import SqliteConnection from 'better-sqlite3';
import { expect, test } from 'vitest';
import { sealCanary } from '../../src/keyring/database_key_canary.ts';
import { createKek } from '../../src/keyring/key_encryption_key.ts';
import { createKeyring, type Keyring, VAULT_UID } from '../../src/keyring/keyring.ts';
import { createStores } from '../../src/store/create_stores.ts';
import { readMigrations } from '../../src/store/read_migration_files.ts';
import { APPLICATION_ID } from '../../src/store/sqlite/inspect_database_file.ts';
import { migrate } from '../../src/store/sqlite/migrations.ts';
import { openSqlite } from '../../src/store/sqlite/open_sqlite.ts';
import type { Stores } from '../../src/store/store_interfaces.ts';
import { NOW } from '../conformance/sample_rows.ts';
import { present } from '../conformance/vault_under_test.ts';
import { temporaryFolder } from './temporary_folder.ts';

test('the oldest of several connections keeps their external id; the others get a label', async () => {
  const stores = await upgraded([
    { id: 'younger', externalId: 'x', createTime: 2, labels: { team: 'a' } },
    { id: 'oldest', externalId: 'x', createTime: 1, labels: { team: 'b' } },
    { id: 'labelled', externalId: 'x', createTime: 3, labels: { external_id: 'own "label"' } },
    { id: 'twin-b', uid: 'b', externalId: "y'", createTime: 5 },
    { id: 'twin-a', uid: 'a', externalId: "y'", createTime: 5 },
    { id: 'single', externalId: 'z' },
    { id: 'none', externalId: null },
    { id: 'none-either', externalId: null },
    { id: 'elsewhere', externalId: 'x', tenant: 'other', createTime: 9 },
  ]);

  const { items } = await stores.connections.list({ size: 100, after: undefined }, {});
  expect(
    Object.fromEntries(items.map(({ connectionId, externalId, labels }) => [connectionId, { externalId, labels }])),
  ).toEqual({
    younger: { externalId: undefined, labels: { team: 'a', external_id: 'x' } },
    oldest: { externalId: 'x', labels: { team: 'b' } },
    labelled: { externalId: undefined, labels: { external_id: 'own "label"', 'external_id.moved': 'x' } },
    'twin-a': { externalId: "y'", labels: {} },
    'twin-b': { externalId: undefined, labels: { external_id: "y'" } },
    single: { externalId: 'z', labels: {} },
    none: { externalId: undefined, labels: {} },
    'none-either': { externalId: undefined, labels: {} },
    elsewhere: { externalId: 'x', labels: {} },
  });
  // Who read one before can tell that it changed; the others did not.
  expect(items.filter(({ version }) => version > 1).map(({ connectionId }) => connectionId)).toEqual([
    'labelled',
    'twin-b',
    'younger',
  ]);
  const [moved] = items.filter(({ connectionId }) => connectionId === 'younger');
  expect(moved?.updateTime).toBe(NOW + 1);
  await stores.close();
});

test('connections of the previous version keep account and refresh token, and are found by their ids', async () => {
  const stores = await upgraded([{ id: 'ada', externalId: 'x', directoryId: 'ABC-d', objectId: 'abc-O' }]);

  const tenant = present(await stores.tenants.find('acme'));
  const ada = present(await stores.connections.find(tenant.uid, 'ada'));
  expect(ada.account).toEqual({
    directoryId: 'abc-d',
    objectId: 'abc-o',
    username: 'ada@contoso.com',
    displayName: 'Ada',
    email: undefined,
  });
  const found = await stores.connections.list({ size: 9, after: undefined }, { objectId: 'ABC-O' });
  expect(found.items).toEqual([ada]);
  const held = await stores.grants.lease(ada.uid, { owner: 'r', resource: 'https://g', duration: 1000 });
  expect(held?.refreshToken?.reveal()).toBe('rt-of-ada');
  expect(present(await stores.apps.find(tenant.uid, 'default')).logoHash).toBeUndefined();
  expect(await stores.outbox.read(0, 10)).toEqual([]);
  await stores.close();
});

test('from the version without reminders: every credential is due once, and events are kept', async () => {
  const { path, keks } = written(2, [{ id: 'ada', externalId: 'x' }], (client, keyring) => {
    const material = keyring.seal(
      { tenantUid: 'uid-of-acme', recordType: 'credential', recordUid: 'secret-1', column: 'material' },
      '{"kind":"CLIENT_SECRET","clientSecret":"s3cret"}',
    );
    client
      .prepare(
        `INSERT INTO credentials (uid, tenant_uid, app_uid, credential_id, position, kind, hint, expire_time, verdict, create_time, material)
         VALUES ('secret-1', 'uid-of-acme', 'app-of-acme', 'main', 1, 'CLIENT_SECRET', 's3c', ${NOW + 5}, 'VALID', 1, ?)`,
      )
      .run(material);
    client.exec(
      `UPDATE connections SET last_refresh_time = 7;
       INSERT INTO outbox (uid, type, tenant_uid, tenant_id, subject, time, data)
         VALUES ('e1', 'connection.changed', 'uid-of-acme', 'acme', 'tenants/acme/connections/ada', 3, '{"change":"CREATED"}')`,
    );
  });
  const stores = await createStores({ database: openSqlite({ path }), keks, clock: { now: () => NOW } });

  expect(await stores.expiry.dueReminders(NOW, 10)).toMatchObject([
    {
      credential: { uid: 'secret-1', expireTime: NOW + 5 },
      reminderTime: 0,
      lastRemindedDays: undefined,
      thresholds: undefined,
    },
  ]);
  const usable = await stores.apps.usableCredentials('app-of-acme');
  expect(usable.map(({ material }) => material.kind)).toEqual(['CLIENT_SECRET']);
  expect((await stores.expiry.idleExpiring(NOW, 10)).map(({ connectionId }) => connectionId)).toEqual(['ada']);
  expect(await stores.outbox.read(0, 10)).toMatchObject([
    { sequence: 1, event: { uid: 'e1', dedupeKey: undefined, severity: 'INFO', data: { change: 'CREATED' } } },
  ]);
  const tenant = present(await stores.tenants.find('acme'));
  expect(tenant.expiryThresholds).toBeUndefined();
  expect((await stores.tenants.update(tenant, { ...tenant, expiryThresholds: [9] })).version).toBe(tenant.version + 1);
  await stores.close();
});

test('from the version with one expiry: it is the configured one, and accepted credentials are preferred', async () => {
  const rows = [
    { id: 'alone', app: 'app-of-other', verdict: 'REJECTED', end: null, createTime: 7 },
    { id: 'first', app: 'app-of-acme', verdict: 'UNPROBED', end: NOW + 5, createTime: 1 },
    { id: 'taken', app: 'app-of-acme', verdict: 'VALID', end: NOW + 9, createTime: 2 },
    { id: 'new', app: 'app-of-acme', verdict: 'UNPROBED', end: null, createTime: 3 },
    { id: 'refused', app: 'app-of-acme', verdict: 'REJECTED', end: NOW, createTime: 4 },
  ];
  const { path, keks } = written(3, [], (client) => {
    const insert = client.prepare(
      `INSERT INTO credentials (uid, tenant_uid, app_uid, credential_id, position, kind, hint, expire_time, verdict, create_time, material)
       VALUES ($id, 'uid-of-' || substr($app, 8), $app, $id, $position, 'CLIENT_SECRET', 's3c', $end, $verdict, $createTime, x'00')`,
    );
    for (const [index, row] of rows.entries()) insert.run({ ...row, position: index + 1 });
  });
  const stores = await createStores({ database: openSqlite({ path }), keks, clock: { now: () => NOW } });

  const credentials = [
    ...(await stores.apps.credentials('app-of-other')),
    ...(await stores.apps.credentials('app-of-acme')),
  ];

  expect(
    credentials.map(({ credentialId, expireTime, configuredExpireTime, entraExpireTime, preferTime }) => ({
      credentialId,
      ends: [expireTime, configuredExpireTime, entraExpireTime],
      preferTime,
    })),
  ).toEqual([
    { credentialId: 'alone', ends: [undefined, undefined, undefined], preferTime: 7 },
    { credentialId: 'first', ends: [NOW + 5, NOW + 5, undefined], preferTime: 1 },
    { credentialId: 'taken', ends: [NOW + 9, NOW + 9, undefined], preferTime: 2 },
    { credentialId: 'new', ends: [undefined, undefined, undefined], preferTime: undefined },
    { credentialId: 'refused', ends: [NOW, NOW, undefined], preferTime: undefined },
  ]);
  const due = await stores.inspections.due(NOW, 9);
  expect(
    due.map(({ app, credentials, knownKeyIds }) => [app.uid, app.rotation, credentials.length, knownKeyIds]),
  ).toEqual([
    ['app-of-acme', undefined, 4, []],
    ['app-of-other', undefined, 1, []],
  ]);
  expect(await stores.rotations.find('app-of-acme')).toBeUndefined();
  expect((await stores.kekAge()).since).toBe(NOW);
  await stores.close();
});

interface OldConnection {
  id: string;
  externalId: string | null;
  uid?: string;
  tenant?: string;
  createTime?: number;
  labels?: Record<string, string>;
  directoryId?: string;
  objectId?: string;
}

/** A database that the first version wrote, opened by this one. */
function upgraded(connections: readonly OldConnection[]): Promise<Stores> {
  const { path, keks } = written(1, connections);
  return createStores({ database: openSqlite({ path }), keks, clock: { now: () => NOW } });
}

/** A database as it was after so many migrations. */
function written(
  migrations: number,
  connections: readonly OldConnection[],
  more: (client: SqliteConnection.Database, keyring: Keyring) => void = () => {},
) {
  const path = join(temporaryFolder(), 'vault.db');
  const keks = { current: createKek(randomBytes(32)) };
  const client = new SqliteConnection(path);
  client.pragma(`application_id = ${APPLICATION_ID}`);
  migrate(client, readMigrations('sqlite').slice(0, migrations));
  const keyring = createKeyring({ keks, deploymentId: 'deployment' });
  for (const uid of [VAULT_UID, 'uid-of-acme', 'uid-of-other']) {
    const dek = keyring.newDek(uid);
    keyring.adopt(dek);
    client
      .prepare('INSERT INTO deks (tenant_uid, version, wrapped) VALUES (?, ?, ?)')
      .run(uid, dek.version, Buffer.from(dek.wrapped));
  }
  const meta = client.prepare('INSERT INTO meta (key, value) VALUES (?, ?)');
  meta.run('deployment_id', Buffer.from('deployment'));
  meta.run('canary', sealCanary(keyring));
  for (const tenant of ['acme', 'other']) insertTenant(client, tenant);
  for (const connection of connections) {
    const uid = connection.uid ?? connection.id;
    const tenantUid = `uid-of-${connection.tenant ?? 'acme'}`;
    const seal = (column: string, text: string) =>
      keyring.seal({ tenantUid, recordType: 'connection', recordUid: uid, column }, text);
    const personal = seal('personal', '{"username":"ada@contoso.com","displayName":"Ada"}');
    insertConnection(client, connection, personal, seal('refresh_token', `rt-of-${connection.id}`));
  }
  more(client, keyring);
  client.close();
  return { path, keks };
}

function insertTenant(client: SqliteConnection.Database, tenant: string): void {
  client
    .prepare(
      `INSERT INTO tenants (uid, tenant_id, display_name, labels, state, catalog, allowed_directory_ids, create_time, update_time, version)
       VALUES ('uid-of-' || ?, ?, 'T', '{}', 'ACTIVE', 'aurinko', '[]', 1, 1, 1)`,
    )
    .run(tenant, tenant);
  client
    .prepare(
      `INSERT INTO apps (uid, tenant_uid, tenant_id, app_id, display_name, client_id, cloud, sign_in_audience, redirect_uris,
         return_url_prefixes, implicit_permissions, shared_with, suspended, state, failing_directories, create_time, update_time, version)
       VALUES ('app-of-' || ?, 'uid-of-' || ?, ?, 'default', 'A', 'c', 'GLOBAL', 'common', '[]', '[]', '[]', '[]', 0, 'OK', '[]', 1, 1, 1)`,
    )
    .run(tenant, tenant, tenant);
}

function insertConnection(
  client: SqliteConnection.Database,
  connection: OldConnection,
  personal: Buffer,
  refreshToken: Buffer,
): void {
  const { id, uid = id, tenant = 'acme', externalId, createTime = NOW, labels = {} } = connection;
  const { directoryId = 'd1', objectId = 'o1' } = connection;
  client
    .prepare(
      `INSERT INTO connections (uid, tenant_uid, tenant_id, connection_id, app_uid, app_tenant_id, app_id, external_id, labels, directory_id,
         object_id, personal, product_scopes, granted, grant_state, keep_alive_time, create_time, update_time, version, refresh_token, epoch)
       VALUES ($uid, 'uid-of-' || $tenant, $tenant, $id, 'app-of-' || $tenant, $tenant, 'default', $externalId, $labels, $directoryId,
         $objectId, $personal, '[]', '{}', 'ACTIVE', 9, $createTime, ${NOW}, 1, $refreshToken, 0)`,
    )
    .run({
      uid,
      tenant,
      id,
      externalId,
      labels: JSON.stringify(labels),
      directoryId,
      objectId,
      personal,
      createTime,
      refreshToken,
    });
}
