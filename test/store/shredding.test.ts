import { randomBytes } from 'node:crypto';
import { copyFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eq } from 'drizzle-orm';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createKek } from '../../src/keyring/key_encryption_key.ts';
import { createStores } from '../../src/store/create_stores.ts';
import { openSqlite } from '../../src/store/sqlite/open_sqlite.ts';
import { createLogCutter } from '../../src/store/sqlite/wal_truncation_scheduler.ts';
import { sampleAdminConsent } from '../conformance/sample_rows.ts';
import { startVault } from '../conformance/vault_under_test.ts';
import { temporaryFolder } from './temporary_folder.ts';

test('after the deletion of a tenant, no file contains its wrapped key or any of its data', async () => {
  const path = join(temporaryFolder(), 'vault.db');
  const vault = await startVault(async (clock) => {
    const database = openSqlite({ path });
    return { database, stores: await createStores({ database, keks: { current: createKek(randomBytes(32)) }, clock }) };
  });
  const { database, stores, tenant, app, connection } = vault;
  const other = await vault.register('other');
  const image = randomBytes(5000);
  const logo = { mediaType: 'image/png', image, hash: 'h' } as const;
  await stores.apps.update(app, { ...app, logoHash: 'h' }, logo);
  const externalId = randomBytes(100).toString('hex');
  await stores.connections.update(connection, { ...connection, externalId });
  const consent = sampleAdminConsent(tenant, app, {
    returnUrl: `https://product.test/${randomBytes(100).toString('hex')}`,
  });
  await stores.adminConsents.start(consent, 'handle', undefined);
  const { deks, connections } = database.tables;
  const deksOf = (uid: string) =>
    database.select('test', (db) => db.select().from(deks).where(eq(deks.tenantUid, uid)));
  const [dek] = await deksOf(tenant.uid);
  const [kept] = await deksOf(other.tenant.uid);
  const [row] = await database.select('test', (db) => db.select().from(connections));
  const inClear = [image, Buffer.from(externalId), Buffer.from(consent.returnUrl ?? '')];
  const shredded = [dek?.wrapped, row?.refreshToken, row?.personal, ...inClear].map(
    (bytes) => bytes ?? Buffer.from('missing'),
  );
  expect(shredded.map((bytes) => holders(path, bytes).length > 0)).toEqual(shredded.map(() => true));

  await stores.tenants.delete(tenant);

  expect(shredded.map((bytes) => holders(path, bytes))).toEqual(shredded.map(() => []));
  expect(holders(path, kept?.wrapped ?? Buffer.from('missing'))).toEqual(['']);
  await stores.close();
});

test('the next start shreds a deletion that was killed before its shredding', async () => {
  const path = join(temporaryFolder(), 'vault.db');
  const killed = join(temporaryFolder(), 'vault.db');
  const keks = { current: createKek(randomBytes(32)) };
  const { database, stores, tenant, clock } = await startVault(async (clock) => {
    const database = openSqlite({ path });
    const interrupted = { ...database, shred: async () => copyTo(path, killed) };
    return { database, stores: await createStores({ database: interrupted, keks, clock }) };
  });
  const [dek] = await database.select('test', (db) =>
    db.select().from(database.tables.deks).where(eq(database.tables.deks.tenantUid, tenant.uid)),
  );
  const wrapped = dek?.wrapped ?? Buffer.from('missing');
  await stores.tenants.delete(tenant);
  await stores.close();
  expect(holders(killed, wrapped)).not.toEqual([]);

  const again = await createStores({ database: openSqlite({ path: killed }), keks, clock });

  expect(holders(killed, wrapped)).toEqual([]);
  await again.close();
});

test('a minute after the deletion of a connection, no file contains its sealed data', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const path = join(temporaryFolder(), 'vault.db');
  const { database, stores, connection } = await startVault(async (clock) => {
    const database = openSqlite({ path });
    return { database, stores: await createStores({ database, keks: { current: createKek(randomBytes(32)) }, clock }) };
  });
  const [row] = await database.select('test', (db) => db.select().from(database.tables.connections));
  const sealed = row?.refreshToken ?? Buffer.from('missing');
  await stores.connections.delete(connection);
  expect(holders(path, sealed)).not.toEqual([]);

  vi.advanceTimersByTime(60_000);

  expect(holders(path, sealed)).toEqual([]);
  await stores.close();
});

test('a log with a reader is truncated when the reader is done, and writes do not wait', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const cuts = [false, false, true, true];
  const tried = () => 4 - cuts.length;
  const cutter = createLogCutter(() => cuts.shift() ?? true);

  cutter.soon();
  cutter.soon();
  expect(tried()).toBe(0);
  vi.advanceTimersByTime(60_000);
  expect(tried()).toBe(1);
  vi.advanceTimersByTime(20_000);
  expect(tried()).toBe(3);
  vi.advanceTimersByTime(3_600_000);
  expect(tried()).toBe(3);
});

function copyTo(path: string, copy: string): void {
  for (const suffix of ['', '-wal']) copyFileSync(path + suffix, copy + suffix);
}

/** Which of the files hold these bytes, or a stretch of them: a value may be spread over pages. */
function holders(path: string, bytes: Buffer): string[] {
  const stretch = bytes.subarray(40, 104);
  return ['', '-wal', '-shm', '-journal', '.lock'].filter(
    (suffix) => existsSync(path + suffix) && readFileSync(path + suffix).includes(stretch),
  );
}
