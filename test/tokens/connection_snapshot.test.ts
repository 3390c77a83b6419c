import { expect, test } from 'vitest';
import type { Connection } from '../../src/model/connection.ts';
import type { App } from '../../src/model/entra_app.ts';
import type { Tenant } from '../../src/model/tenant.ts';
import {
  type ConnectionSnapshotsParts,
  createConnectionSnapshots,
} from '../../src/tokens/connection_snapshot_cache.ts';

const tenant = { uid: 't', tenantId: 'acme', state: 'ACTIVE', catalog: 'aurinko', allowedDirectoryIds: [] };
const app = { uid: 'a', tenantUid: 't', tenantId: 'acme', appId: 'default', suspended: false, sharedWith: [] };

function connectionOf(version: number, grantState: Connection['grantState']): Connection {
  const connection = {
    uid: 'c',
    tenantUid: 't',
    tenantId: 'acme',
    connectionId: 'ada',
    appUid: 'a',
    labels: {},
    productScopes: [],
    granted: {},
    resourceIssues: {},
  };
  return { ...connection, version, grantState } as unknown as Connection;
}

/** Reads of the app wait, so that a change can happen after the read of the connection. */
function openStores() {
  let row = connectionOf(1, 'REAUTHORIZATION_REQUIRED');
  const gates: (() => void)[] = [];
  const stores = {
    tenants: { find: async () => tenant as unknown as Tenant },
    connections: { find: async () => row, findByUid: async () => row },
    apps: {
      findByUid: () => new Promise<App>((resolve) => gates.push(() => resolve(app as unknown as App))),
    },
  } as unknown as ConnectionSnapshotsParts['stores'];
  return {
    stores,
    write: (connection: Connection) => {
      row = connection;
    },
    async letThrough() {
      await expect.poll(() => gates.length).toBeGreaterThan(0);
      gates.shift()?.();
    },
  };
}

test.each([
  ['nothing was known', false],
  ['an older one was known', true],
])('an outcome recorded while a standing was read is not forgotten for what was read before; %s', async (_, known) => {
  const { stores, write, letThrough } = openStores();
  const snapshots = createConnectionSnapshots({ stores, limit: 100 });
  if (known) {
    const first = snapshots.get('acme', 'ada');
    await letThrough();
    await first;
  }

  const reading = snapshots.load('acme', 'ada');
  await Promise.resolve();
  await new Promise((resolve) => setImmediate(resolve));
  write(connectionOf(2, 'ACTIVE'));
  snapshots.update(connectionOf(2, 'ACTIVE'));
  await letThrough();
  await letThrough();
  await reading;

  expect(snapshots.peek('acme', 'ada')?.connection).toMatchObject({ version: 2, grantState: 'ACTIVE' });
});
