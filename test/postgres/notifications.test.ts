import { getEventListeners } from 'node:events';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { NOW } from '../conformance/sample_rows.ts';
import type { VaultUnderTest } from '../conformance/vault_under_test.ts';
import { openVault } from './open_vault.ts';
import { type PostgresServer, startPostgres } from './postgres_server.ts';

let server: PostgresServer;
let vault: VaultUnderTest;
beforeAll(async () => {
  server = await startPostgres();
  vault = await openVault(await server.createDatabase());
});
afterAll(async () => {
  await vault.stores.close();
  await server.close();
});

const PATIENCE = { timeout: 30_000 };

/** The next `AbortController` that the code under test creates. */
function nextAbortController(): Promise<AbortController> {
  onTestFinished(() => void vi.unstubAllGlobals());
  return new Promise((created) => {
    vi.stubGlobal(
      'AbortController',
      class extends AbortController {
        constructor() {
          super();
          vi.unstubAllGlobals();
          created(this);
        }
      },
    );
  });
}

test('a listener is woken up by a commit with a change, also after its connection was lost', async () => {
  const { stores, connection } = vault;
  let wakes = 0;
  const controller = nextAbortController();
  const subscription = await stores.changes.listen(() => {
    wakes += 1;
  });
  // At the start of the connection.
  await expect.poll(() => wakes, PATIENCE).toBe(1);

  await stores.connections.setSuspended(connection, NOW, NOW);
  await expect.poll(() => wakes, PATIENCE).toBe(2);

  await server.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'");
  await expect.poll(() => wakes, PATIENCE).toBe(3);
  await stores.connections.setSuspended(connection, undefined, NOW);
  await expect.poll(() => wakes, PATIENCE).toBe(4);
  // Those of the lost connection would stay until the vault stops.
  expect(getEventListeners((await controller).signal, 'abort')).toHaveLength(1);

  await subscription?.close();
  const listeners = "SELECT pid FROM pg_stat_activity WHERE query LIKE 'LISTEN%'";
  await expect.poll(() => server.query(listeners), PATIENCE).toEqual([]);
});
