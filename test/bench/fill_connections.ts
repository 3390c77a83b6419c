/**
 * Adds connections to a tenant's app `default` on PostgreSQL: `node fill_connections.ts DATABASE_URL KEK_FILE TENANT
 * COUNT`. A program of its own, so that a database of another version is filled by that version's checkout.
 */
import { createFileKeySource } from '../../src/keyring/file_root_key_source.ts';
import { systemClock } from '../../src/model/clock.ts';
import { createStores } from '../../src/store/create_stores.ts';
import { openDatabase } from '../../src/store/open_database.ts';
import { copyConnections } from './copied_connections.ts';

const [databaseUrl = '', kek = '', tenantId = '', count = ''] = process.argv.slice(2);
const keks = await createFileKeySource({ path: kek }).load();
const database = await openDatabase({ url: databaseUrl });
const stores = await createStores({ database, keks, clock: systemClock });
try {
  const tenant = await stores.tenants.find(tenantId);
  const app = tenant && (await stores.apps.find(tenant.uid, 'default'));
  if (app === undefined) throw new Error(`the tenant ${tenantId} has no app "default"`);
  await copyConnections({ databaseUrl, database, keks, app, connections: Number(count), accessTokens: 'none' });
} finally {
  await stores.close();
}
