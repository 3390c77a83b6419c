import { randomBytes } from 'node:crypto';
import { eq, sql } from 'drizzle-orm';
import { expect, test } from 'vitest';
import { createKek } from '../../src/keyring/key_encryption_key.ts';
import { createStores } from '../../src/store/create_stores.ts';
import { openSqlite } from '../../src/store/sqlite/open_sqlite.ts';
import { NOW } from '../conformance/sample_rows.ts';
import { startVault } from '../conformance/vault_under_test.ts';

test('invalid thresholds of a tenant do not stop the reminders', async () => {
  const keks = { current: createKek(randomBytes(32)) };
  const { stores, database, register, damage } = await startVault(async (clock) => {
    const database = openSqlite({ path: ':memory:' });
    return { stores: await createStores({ database, keks, clock }), database };
  });
  const broken = ['{', '', '7', '[null]', '["a"]', '{}', '""'];
  for (const [index, text] of broken.entries()) {
    await register(`broken-${index}`);
    const isIt = eq(database.tables.tenants.tenantId, `broken-${index}`);
    await damage('tenants', { expiryThresholds: sql`${text}` }, isIt);
  }
  const { tenant } = await register('strict');
  await stores.tenants.update(tenant, { ...tenant, expiryThresholds: [90] });

  const due = await stores.expiry.dueReminders(NOW, 100);

  expect(Object.fromEntries(due.map(({ app, thresholds }) => [app.tenantId, thresholds]))).toEqual({
    acme: undefined,
    ...Object.fromEntries(broken.map((_, index) => [`broken-${index}`, undefined])),
    strict: [90],
  });
});
