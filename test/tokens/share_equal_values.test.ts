import { expect, test } from 'vitest';
import type { Connection } from '../../src/model/connection.ts';
import type { App } from '../../src/model/entra_app.ts';
import type { Tenant } from '../../src/model/tenant.ts';
import { createSharedValues } from '../../src/tokens/share_equal_values.ts';

const tenant = { uid: 'tenant-uid', tenantId: 'acme' } as Tenant;
const app = { uid: 'app-uid', tenantId: 'owner', appId: 'mail' } as App;

/** As read from its row: nothing in it is shared. */
function read(connectionId: string, change: Partial<Connection> = {}): Connection {
  const connection = {
    connectionId,
    tenantUid: 'tenant-uid',
    tenantId: 'acme',
    appUid: 'app-uid',
    appTenantId: 'owner',
    appId: 'mail',
    labels: {},
    productScopes: ['Mail.ReadWrite'],
    granted: { 'https://graph.microsoft.com': ['Mail.ReadWrite', 'User.Read'] },
    resourceIssues: {},
  };
  return structuredClone({ ...connection, ...change }) as Connection;
}

test('connections keep what they are, and share equal lists', () => {
  const shared = createSharedValues();
  const [ada, bob] = ['ada', 'bob'].map((id) => shared.connection(read(id), tenant, app));

  expect([ada, bob]).toEqual([read('ada'), read('bob')]);
  expect(ada?.granted).toBe(bob?.granted);
  expect(ada?.productScopes).toBe(bob?.productScopes);
});

test('connections with other scopes, issues or labels keep their own', () => {
  const shared = createSharedValues();
  shared.connection(read('ada'), tenant, app);
  const other = {
    productScopes: [],
    granted: { 'https://graph.microsoft.com': ['Mail.ReadWrite User.Read'] },
    labels: { plan: 'gold' },
    resourceIssues: { 'https://graph.microsoft.com': { state: 'BLOCKED' } },
  } as unknown as Partial<Connection>;

  expect(shared.connection(read('bob', other), tenant, app)).toEqual(read('bob', other));
});

test('a connection that was connected through another app keeps the ids of that app', () => {
  const moved = read('ada', { appUid: 'other-uid', appId: 'calendar', appTenantId: 'acme' });

  expect(createSharedValues().connection(moved, tenant, app)).toEqual(moved);
});
