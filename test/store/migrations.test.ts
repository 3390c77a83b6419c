import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readMigrations } from '../../src/store/read_migration_files.ts';
import { openSqlite } from '../../src/store/sqlite/open_sqlite.ts';
import { sampleTenant } from '../conformance/sample_rows.ts';
import { openTestStores } from './open_test_stores.ts';
import { temporaryFolder } from './temporary_folder.ts';

test.each(readMigrations('sqlite').keys().drop(1).toArray())(
  'a database with the first %i migrations, and no vault in it, gets the others',
  async (count) => {
    const path = join(temporaryFolder(), 'vault.db');
    await openSqlite({ path, migrations: readMigrations('sqlite').slice(0, count) }).close();

    const stores = await openTestStores({ path });

    await stores.tenants.register({ tenant: sampleTenant('acme') });
    expect(await stores.tenants.find('acme')).toMatchObject({ tenantId: 'acme' });
    await stores.close();
  },
);
