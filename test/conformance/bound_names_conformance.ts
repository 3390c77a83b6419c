import { eq, sql } from 'drizzle-orm';
import { describe, expect, test } from 'vitest';
import { DAY } from '../../src/model/clock.ts';
import type { Connection } from '../../src/model/connection.ts';
import { Secret } from '../../src/model/secret.ts';
import {
  GRAPH,
  NOW,
  sampleApp,
  sampleAttempt,
  sampleAuthorization,
  sampleCredential,
  sampleGrant,
} from './sample_rows.ts';
import { type Open, present, reasonOf, startVault, type VaultUnderTest } from './vault_under_test.ts';

const PAGE = { size: 100, after: undefined };
const NOTHING = { items: [], next: undefined };

/** A writer in the database who changes names gives no caller what belongs to another one. */
export function boundNamesConformance(open: Open): void {
  describe('names that were changed in the database', () => {
    test.each([
      ['loaded', 0],
      ['evicted', 4],
    ])('of two tenants, exchanged while their keys are %s', async (_, others) => {
      const vault = await startVault(open);
      const { stores, damage, database, tenant } = vault;
      const { tenant: other } = await vault.register('other');
      for (let count = 0; count < others; count++) await vault.register(`more-${count}`);
      const { tenants } = database.tables;
      await damage('tenants', { tenantId: 'free' }, eq(tenants.uid, tenant.uid));
      await damage('tenants', { tenantId: 'acme' }, eq(tenants.uid, other.uid));
      await damage('tenants', { tenantId: 'other' }, eq(tenants.uid, tenant.uid));

      for (const name of ['acme', 'other']) expect(await reasonOf(stores.tenants.find(name))).toBe('RECORD_CORRUPT');
      expect(await stores.tenants.list(PAGE, ['acme'])).toEqual({ ...NOTHING, unreachable: ['tenants/acme'] });
      const byUsername = { username: 'ada@contoso.com', tenantIds: ['other'] };
      expect(await stores.connections.list(PAGE, byUsername)).toEqual({ ...NOTHING, unreachable: ['tenants/other'] });
    });

    test('of two tenants in all of their rows', async () => {
      const vault = await startVault(open);
      const { stores, damage, database, tenant, app, connection } = vault;
      await (await vault.lease()).release();
      await vault.register('other');
      const { connections, apps } = database.tables;
      await damage('connections', { tenantId: 'other' }, eq(connections.tenantUid, tenant.uid));
      await damage('apps', { tenantId: 'other' }, eq(apps.tenantUid, tenant.uid));

      const tenantIds = ['other'];
      for (const read of [
        () => stores.connections.find(tenant.uid, 'ada'),
        () => stores.connections.findByUid(connection.uid),
        () => vault.tryLease(),
        () => stores.apps.find(tenant.uid, 'default'),
        () => stores.apps.usableCredentials({ ...app, tenantId: 'other' }),
      ]) {
        expect(await reasonOf(read())).toBe('RECORD_CORRUPT');
      }
      const soon = { before: NOW + 9 * DAY, includeUnknown: false };
      for (const [page, name] of [
        [await stores.connections.list(PAGE, { tenantIds }), 'tenants/other/connections/ada'],
        [await stores.apps.list(PAGE, tenantIds), 'tenants/other/apps/default'],
        [await stores.expiry.listExpiring(PAGE, soon), 'tenants/other/apps/default/credentials/first'],
      ] as const) {
        expect(page.unreachable).toContain(name);
        expect(JSON.stringify(page.items)).not.toContain(app.uid);
      }
    });

    test("expiring credentials of a tenant that has another tenant's name are not listed", async () => {
      const vault = await startVault(open);
      const { stores, damage, database, tenant } = vault;
      const filter = { tenantIds: ['fake'], before: NOW + 9 * DAY, includeUnknown: true };
      await damage('tenants', { tenantId: 'fake' }, eq(database.tables.tenants.uid, tenant.uid));

      expect((await stores.expiry.listExpiring(PAGE, filter)).items).toEqual([]);
    });

    test('of two connections, exchanged with and without their MACs', async () => {
      const vault = await startVault(open);
      const { damage, database, connection } = vault;
      const bob = await vault.connect('bob');
      const { connections } = database.tables;
      const [ada, other] = [eq(connections.uid, connection.uid), eq(connections.uid, bob.uid)];
      const macOfBob = sql`(SELECT c.mac FROM connections AS c WHERE c.uid = ${bob.uid})`;
      await damage('connections', { connectionId: 'free' }, ada);
      await damage('connections', { connectionId: 'ada' }, other);
      await damage('connections', { connectionId: 'bob' }, ada);

      await expectUnreadable(vault, connection, 'bob');
      await damage('connections', { mac: macOfBob }, ada);
      await expectUnreadable(vault, connection, 'bob');
    });

    test.each([
      ['externalId', { externalId: 'mine' }],
      ['externalId', { externalId: null }],
      ['directoryId', { directoryId: 'd9' }],
      ['objectId', { objectId: 'o9' }],
      ['account', { objectId: null, directoryId: null }],
      ['appTenantId', { appTenantId: 'other' }],
      ['appId', { appId: 'other' }],
      ['mac', { mac: null }],
      ['mac', { mac: Buffer.alloc(34) }],
    ])('in %s of a connection', async (_, change) => {
      const vault = await startVault(open);
      const connection = await vault.connect('bob', { externalId: 'x' });
      await vault.damage('connections', change, eq(vault.database.tables.connections.uid, connection.uid));

      await expectUnreadable({ ...vault, connection }, connection, 'bob');
      const { externalId = 'x' } = change as { externalId?: string | null };
      if (externalId === null) return;
      const found = vault.stores.connections.findByExternalId(vault.tenant.uid, externalId);
      expect(await reasonOf(found)).toBe('RECORD_CORRUPT');
    });

    test('in the app of a connection', async () => {
      const vault = await startVault(open);
      const { stores, tenant, connection, damage } = vault;
      const other = sampleApp(tenant, 'other');
      await stores.apps.create(other, undefined);
      await damage('connections', { appUid: other.uid });

      await expectUnreadable(vault, connection, 'ada');
    });

    test.each([
      ['clientId', { clientId: '99999999-2222-3333-4444-555555555555' }],
      ['cloud', { cloud: 'CHINA' }],
      ['signInAudience', { signInAudience: 'common' }],
      ['homeDirectoryId', { homeDirectoryId: 'd9' }],
      ['redirectUris', { redirectUris: ['https://vault.test/oauth2/callback', 'https://mine.test'] }],
      ['returnUrlPrefixes', { returnUrlPrefixes: ['https:', '//product.test/'] }],
      ['sharedWith', { sharedWith: ['*'] }],
      ['appId', { appId: 'renamed' }],
      ['mac', { mac: null }],
    ])('in %s of an app', async (_, change) => {
      const { stores, tenant, app, database, damage } = await startVault(open);
      const { apps } = database.tables;
      await damage('apps', change, eq(apps.uid, app.uid));
      const { appId } = { ...app, ...change };

      for (const read of [
        () => stores.apps.find(tenant.uid, appId),
        () => stores.apps.findByUid(app.uid),
        () => stores.apps.addCredential(app, sampleCredential(app, 'second')),
      ]) {
        const error = await read().catch((error: unknown) => error);
        expect(error).toMatchObject({ reason: 'RECORD_CORRUPT', metadata: { resource: `tenants/acme/apps/${appId}` } });
      }
      expect(await stores.apps.list(PAGE)).toEqual({ ...NOTHING, unreachable: [`tenants/acme/apps/${appId}`] });
    });

    test('a page has all other rows, and the next page follows', async () => {
      const { stores, database, damage, connection, connect, register } = await startVault(open);
      const { connections, tenants } = database.tables;
      const bob = await connect('bob');
      const eve = await connect('eve');
      const { tenant: other } = await register('other');
      await damage('connections', { mac: null }, eq(connections.uid, bob.uid));
      await damage('tenants', { tenantId: 'gone' }, eq(tenants.uid, other.uid));

      const first = await stores.connections.list({ size: 2, after: undefined }, {});
      expect([first.items.map(({ uid }) => uid), first.unreachable]).toEqual([
        [connection.uid],
        ['tenants/acme/connections/bob'],
      ]);
      const second = await stores.connections.list({ size: 2, after: first.next }, {});
      expect(second).toEqual({ items: [eve], next: undefined });
      const page = await stores.tenants.list(PAGE);
      expect([page.items.map(({ tenantId }) => tenantId), page.unreachable]).toEqual([['acme'], ['tenants/gone']]);
      const found = await stores.connections.list(PAGE, { username: 'ada@contoso.com' });
      expect(found.unreachable).toContain('tenants/gone');
      expect(found.items.length).toBeGreaterThan(0);
    });

    test('a page fails if its root key is missing, which may concern every row', async () => {
      const { stores, database, damage, register } = await startVault(open);
      const { tenant: other } = await register('other');
      for (let count = 0; count < 4; count++) await register(`more-${count}`);
      const { deks } = database.tables;
      const ofOther = eq(deks.tenantUid, other.uid);
      const [dek] = await database.select('test', (db) => db.select().from(deks).where(ofOther));
      const wrapped = Buffer.from(present(dek).wrapped);
      // The id of the root key follows the magic and the format.
      wrapped.fill(0, 2, 18);
      await damage('deks', { wrapped }, ofOther);

      expect(await reasonOf(stores.tenants.list(PAGE))).toBe('RECORD_CORRUPT');
    });

    test('credentials are of use for the client and cloud alone that they were added for', async () => {
      const { stores, app } = await startVault(open);

      expect(await stores.apps.usableCredentials(app)).toHaveLength(1);
      for (const change of [{ clientId: '99999999-2222-3333-4444-555555555555' }, { cloud: 'CHINA' as const }]) {
        expect(await reasonOf(stores.apps.usableCredentials({ ...app, ...change }))).toBe('RECORD_CORRUPT');
      }
    });

    test('stored access tokens are of use for their connection alone', async () => {
      const { stores, connection, lease } = await startVault(open);
      const accessToken = {
        token: new Secret('at'),
        resource: GRAPH,
        permissions: [],
        expireTime: NOW + DAY,
        refreshTime: NOW,
        correlationId: undefined,
      };
      await (await lease()).record({ connection, refreshToken: undefined, accessToken });

      expect(await stores.grants.findAccessToken(connection, GRAPH, NOW)).toBeDefined();
      for (const change of [{ connectionId: 'bob' }, { tenantId: 'other' }]) {
        expect(await stores.grants.findAccessToken({ ...connection, ...change }, GRAPH, NOW)).toBeUndefined();
      }
    });

    test('a grant that waits for its confirmation, and a state, do not move to another connection', async () => {
      const vault = await startVault(open);
      const { stores, connection, damage } = vault;
      const bob = await vault.connect('bob');
      const [one, other] = [sampleAuthorization(connection), sampleAuthorization(bob)];
      for (const [authorization, hash] of [
        [one, '1'],
        [other, '2'],
      ] as const) {
        const attempt = sampleAttempt(authorization);
        await stores.authorizations.start({
          connection: undefined,
          authorization,
          handleHash: hash,
          attempt,
          stateHash: hash,
        });
      }
      const { authorizations, authorizationAttempts } = vault.database.tables;
      const first = eq(authorizationAttempts.stateHash, '1');
      await damage('authorizationAttempts', { authorizationUid: other.uid }, first);
      expect(await reasonOf(stores.authorizations.useState('1', NOW))).toBe('RECORD_CORRUPT');

      await stores.authorizations.consent(one.uid, sampleGrant(), 'c', NOW + DAY);
      await damage('authorizations', { connectionUid: bob.uid }, eq(authorizations.uid, one.uid));
      expect(await reasonOf(stores.authorizations.findConsented(bob.uid, 'c', NOW))).toBe('RECORD_CORRUPT');
    });
  });

  describe('names that the vault changes itself stay readable', () => {
    test('each field of an app', async () => {
      const { stores, app } = await startVault(open);
      let last = app;
      for (const change of [
        { signInAudience: 'common' },
        { homeDirectoryId: 'd9' },
        { redirectUris: [] },
        { returnUrlPrefixes: ['https://a.test/', 'https://b.test/'] },
        { sharedWith: ['*'] },
        { displayName: 'Other', suspended: true },
      ]) {
        last = await stores.apps.update(last, { ...last, ...change });
        expect(await stores.apps.findByUid(app.uid)).toEqual(last);
      }
      await stores.apps.recordAppState(app.uid, 'MISCONFIGURED', undefined);
      expect(await stores.apps.findByUid(app.uid)).toMatchObject({ state: 'MISCONFIGURED', sharedWith: ['*'] });
    });

    test("an app that is shared, after its owner's keys were evicted", async () => {
      const { stores, app, register } = await startVault(open);
      for (const name of ['b', 'c', 'd', 'e']) await register(name);

      expect(await stores.apps.findByUid(app.uid)).toEqual(app);
    });

    test('pages leave out a tenant that is deleted while they are read', async () => {
      const { stores, tenant, connection, register } = await startVault(open);
      for (const name of ['b', 'c', 'd', 'e']) await register(name);
      await stores.connections.delete(connection);

      const [tenants, apps] = await Promise.all([
        stores.tenants.list(PAGE),
        stores.apps.list(PAGE),
        stores.tenants.delete(tenant),
      ]);

      const others = ['b', 'c', 'd', 'e'];
      expect(tenants.items.map(({ tenantId }) => tenantId).filter((name) => name !== 'acme')).toEqual(others);
      expect(apps.items.map(({ tenantId }) => tenantId).filter((name) => name !== 'acme')).toEqual(others);
    });

    test('an external id, during a refresh that names the account for the first time', async () => {
      const vault = await startVault(open);
      const { stores } = vault;
      const connection = await vault.connect('bob', { account: undefined, externalId: 'x' });
      const lease = { owner: 'replica', resource: GRAPH, duration: 12_000 };
      const held = present(await stores.grants.lease(connection.uid, lease));
      await stores.connections.update(connection, { ...connection, externalId: 'y', labels: { team: 'a' } });
      const account = {
        directoryId: 'D2',
        objectId: 'o2',
        username: undefined,
        displayName: undefined,
        email: undefined,
      };
      const after = { ...held.connection, account };

      expect(await held.record({ connection: after, refreshToken: undefined, accessToken: undefined })).toBe(
        'recorded',
      );

      expect(await stores.connections.findByUid(connection.uid)).toMatchObject({
        account: { directoryId: 'd2', objectId: 'o2' },
        externalId: 'y',
        labels: { team: 'a' },
      });
    });

    test('an external id that was changed in the database during a refresh is not confirmed by it', async () => {
      const vault = await startVault(open);
      const { stores, damage, database } = vault;
      const connection = await vault.connect('bob', { account: undefined });
      const lease = { owner: 'replica', resource: GRAPH, duration: 12_000 };
      const held = present(await stores.grants.lease(connection.uid, lease));
      await damage(
        'connections',
        { externalId: 'mine', version: sql`version + 1` },
        eq(database.tables.connections.uid, connection.uid),
      );
      const after = { ...held.connection, account: vault.connection.account };

      const recording = held.record({ connection: after, refreshToken: undefined, accessToken: undefined });

      expect(await reasonOf(recording)).toBe('RECORD_CORRUPT');
      expect(await reasonOf(stores.connections.findByUid(connection.uid))).toBe('RECORD_CORRUPT');
    });
  });
}

/** By every way of reading, with an error that names the connection; a lease is not kept. */
async function expectUnreadable(vault: VaultUnderTest, connection: Connection, connectionId: string): Promise<void> {
  const { stores, tenant } = vault;
  const lease = { owner: 'replica-1', resource: GRAPH, duration: 12_000 };
  const resource = `tenants/acme/connections/${connectionId}`;
  for (const read of [
    () => stores.connections.find(tenant.uid, connectionId),
    () => stores.connections.findByUid(connection.uid),
    () => stores.connections.setSuspended(connection, NOW, NOW),
    () => stores.grants.lease(connection.uid, lease),
    () => stores.grants.lease(connection.uid, lease),
  ]) {
    const error = await read().catch((error: unknown) => error);
    expect(error).toMatchObject({ reason: 'RECORD_CORRUPT', metadata: { resource } });
    expect((error as Error).message).toContain(resource);
  }
  const page = await stores.connections.list(PAGE, {});
  expect(page.unreachable).toContain(resource);
  expect(page.items.map(({ uid }) => uid)).not.toContain(connection.uid);
}
