import { randomBytes } from 'node:crypto';
import SqliteConnection from 'better-sqlite3';
import { createKek } from '../../src/keyring/key_encryption_key.ts';
import { DAY, type Timestamp } from '../../src/model/clock.ts';
import { createStores } from '../../src/store/create_stores.ts';
import { openSqlite } from '../../src/store/sqlite/open_sqlite.ts';

export const CREDENTIALS = 1_000_000;
const APPS = CREDENTIALS / 2;
const TENANTS = APPS / 5;

/** When the first credential is due; another one follows every millisecond. */
export const FIRST_DUE: Timestamp = Date.UTC(2027, 0, 1);
/** Days before the expiry of a credential at which its first reminder is due. */
export const FIRST_THRESHOLD = 60;

/**
 * The order in which credentials are due. `registered`: that of their registration, so that due rows are adjacent in the file, as
 * with secrets of one week and equal lifetimes. `scattered`: each on its own page, the worst case.
 */
export type Layout = 'registered' | 'scattered';

/** Coprime to the number of credentials, so that each is due once. */
const STRIDES: Readonly<Record<Layout, number>> = { registered: 1, scattered: 7_919 };

/** A database of tenants with five apps of two credentials each, written without the stores. Sealed columns are not really sealed. */
export async function fillCredentials(path: string, layout: Layout) {
  const keks = { current: createKek(randomBytes(32)) };
  const clock = { now: () => FIRST_DUE - DAY };
  await (await createStores({ database: openSqlite({ path }), keks, clock })).close();
  const client = new SqliteConnection(path);
  // The file is worthless if this is interrupted.
  for (const setting of ['synchronous = OFF', 'foreign_keys = OFF', 'cache_size = -1000000']) client.pragma(setting);
  client.function('uid', { deterministic: true }, uid);
  client.exec(`
    BEGIN;
    WITH RECURSIVE numbers(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < ${TENANTS})
      INSERT INTO tenants (uid, tenant_id, display_name, labels, state, catalog, allowed_directory_ids, create_time, update_time, version)
      SELECT uid('t', n), 'tenant-' || n, 'Tenant', '{}', 'ACTIVE', 'aurinko', '[]', 1, 1, 1 FROM numbers;
    WITH RECURSIVE numbers(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < ${APPS})
      INSERT INTO apps (uid, tenant_uid, tenant_id, app_id, display_name, client_id, cloud, sign_in_audience, redirect_uris, return_url_prefixes,
        implicit_permissions, shared_with, suspended, state, failing_directories, create_time, update_time, version)
      SELECT uid('a', n), uid('t', n / 5), 'tenant-' || (n / 5), 'app-' || (n % 5), 'Mail sync', uid('c', n), 'GLOBAL', 'organizations',
        '["https://vault.test/oauth2/callback"]', '[]', '[]', '[]', 0, 'OK', '[]', 1, 1, 1 FROM numbers;
    WITH RECURSIVE numbers(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < ${CREDENTIALS}),
      due(n, time) AS (SELECT n, ${FIRST_DUE} + (n * ${STRIDES[layout]}) % ${CREDENTIALS} FROM numbers)
      INSERT INTO credentials (uid, tenant_uid, app_uid, credential_id, position, kind, hint, expire_time, configured_expire_time, reminder_time,
        verdict, prefer_time, create_time, material)
      SELECT uid('s', n), uid('t', n / 10), uid('a', n / 2), 'secret-' || (n % 2), 1 + n % 2, 'CLIENT_SECRET', 'abc', time + ${FIRST_THRESHOLD * DAY},
        time + ${FIRST_THRESHOLD * DAY}, time, 'VALID', 1, 1, zeroblob(200) FROM due;
    COMMIT;`);
  client.close();
  return { keks };
}

/** As long and as scattered as a real UUID, but derived from the number. */
function uid(kind: unknown, number: unknown): string {
  const scattered = (Math.imul(Number(number), 2_654_435_761) >>> 0).toString(16).padStart(8, '0');
  return `${scattered}-${kind}000-4000-8000-${scattered}beef`;
}
