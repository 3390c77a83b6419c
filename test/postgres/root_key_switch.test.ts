import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createKek, type Kek } from '../../src/keyring/key_encryption_key.ts';
import type { Keks } from '../../src/keyring/root_key_source.ts';
import { systemClock } from '../../src/model/clock.ts';
import { createStores } from '../../src/store/create_stores.ts';
import { openDatabase } from '../../src/store/open_database.ts';
import type { Stores } from '../../src/store/store_interfaces.ts';
import { sampleTenant } from '../conformance/sample_rows.ts';
import { reasonOf } from '../conformance/vault_under_test.ts';
import { type PostgresServer, startPostgres } from './postgres_server.ts';

const hex = ({ id }: Kek) => id.toString('hex');

let server: PostgresServer;
let old: Kek;
let young: Kek;
let leader: Stores;
/** Starts another process. */
let open: (keks: Keks) => Promise<Stores>;
/** Holds the switch between its two statements. */
let holder: pg.Client;
beforeAll(async () => {
  server = await startPostgres(18);
});
afterAll(() => server.close());
beforeEach(async () => {
  const url = await server.createDatabase();
  [old, young] = [createKek(randomBytes(32)), createKek(randomBytes(32))];
  const opened: Stores[] = [];
  open = async (keks) => {
    const stores = await createStores({ database: await openDatabase({ url }), keks, clock: systemClock });
    opened.push(stores);
    return stores;
  };
  await open({ current: old });
  leader = await open({ current: young, previous: old });
  const database = new URL(url).pathname.slice(1);
  holder = new pg.Client({ host: '127.0.0.1', port: server.port, user: 'postgres', database });
  await holder.connect();
  return async () => {
    await holder.end();
    for (const stores of opened) await stores.close();
  };
});

/** Starts a switch, which has changed the active key, and waits for the record of root keys before it commits. */
async function startSwitch(): Promise<{ readonly commit: () => Promise<unknown> }> {
  await holder.query("BEGIN; UPDATE meta SET value = value WHERE key = 'root_keys'");
  const activated = leader.rootKeys.activate(hex(young), 1);
  await expect.poll(waiting).toBe(1);
  return {
    async commit() {
      await holder.query('COMMIT');
      return activated;
    },
  };
}

/** Connections of the database that wait for a lock. */
async function waiting(): Promise<number> {
  const { rows } = await holder.query(
    "SELECT count(*)::int AS count FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()",
  );
  return rows[0].count;
}

async function beat(stores: Stores, name: string): Promise<void> {
  const { rootKeyIds } = stores;
  await stores.replicas.heartbeat({ uid: name, name, version: '1', startTime: 0, feedPosition: 0, rootKeyIds });
}

test('a tenant that is registered during a switch waits for it, and is wrapped under the new key', async () => {
  const other = await open({ current: young, previous: old });
  const { commit } = await startSwitch();
  const registered = other.tenants.register({ tenant: sampleTenant('acme') });
  await expect.poll(waiting).toBe(2);

  expect(await commit()).toEqual({ kind: 'active', activated: true });
  await registered;
  expect(await leader.rootKeys.countDataKeys()).toContainEqual({ rootKeyId: hex(young), version: 1, dataKeys: 1 });
});

test('a switch waits for a tenant that is being registered, which is then wrapped again', async () => {
  const other = await open({ current: old });
  await holder.query('BEGIN; LOCK TABLE deks IN SHARE MODE');
  const registered = other.tenants.register({ tenant: sampleTenant('acme') });
  await expect.poll(waiting).toBe(1);
  const activated = leader.rootKeys.activate(hex(young), 1);
  await expect.poll(waiting).toBe(2);
  await holder.query('COMMIT');

  await registered;
  expect(await activated).toEqual({ kind: 'active', activated: true });
  expect((await leader.rootKeys.rewrap(undefined, 9)).rewrapped).toBe(2);
});

test('a replica without the key that starts during a switch waits for it, and does not start', async () => {
  const other = await open({ current: old });
  const { commit } = await startSwitch();
  await beat(other, 'vault-1');
  const confirmed = reasonOf(other.rootKeys.confirm());
  await expect.poll(waiting).toBe(2);

  expect(await commit()).toEqual({ kind: 'active', activated: true });
  expect(await confirmed).toBe('RECORD_CORRUPT');
});

test('a replica without the key that has started before a switch is seen by it', async () => {
  const other = await open({ current: old });
  await beat(other, 'vault-1');
  await other.rootKeys.confirm();

  expect(await leader.rootKeys.activate(hex(young), 1)).toEqual({ kind: 'missing', replicas: ['vault-1'] });
});

test('a replica without the key that starts after the check of a switch is seen by its commit', async () => {
  const other = await open({ current: old });
  await holder.query("BEGIN; UPDATE meta SET value = value WHERE key = 'active_root_key'");
  const activated = leader.rootKeys.activate(hex(young), 1);
  await expect.poll(waiting).toBe(1);
  await beat(other, 'vault-1');
  await holder.query('COMMIT');

  expect(await activated).toEqual({ kind: 'missing', replicas: ['vault-1'] });
  expect((await leader.rootKeys.read()).active.id).toBe(hex(old));
});
