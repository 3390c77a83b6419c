import { inspect } from 'node:util';
import { eq, sql } from 'drizzle-orm';
import { describe, expect, test } from 'vitest';
import { DAY } from '../../src/model/clock.ts';
import type { Connection } from '../../src/model/connection.ts';
import { Secret } from '../../src/model/secret.ts';
import type { ConnectionFilter } from '../../src/store/store_interfaces.ts';
import {
  GRAPH,
  NOW,
  sampleAccessToken,
  sampleApp,
  sampleAttempt,
  sampleAuthorization,
  sampleConnection,
  sampleCredential,
  sampleGrant,
  sampleIssues,
  sampleTenant,
} from './sample_rows.ts';
import { type Open, present, reasonOf, startVault, type VaultUnderTest } from './vault_under_test.ts';

export function connectionsConformance(open: Open): void {
  describe('connections', () => {
    test('reads back what was stored, whichever optional fields are absent', async () => {
      const { stores, tenant, app, connection, connect } = await startVault(open);
      const bare = sampleConnection(tenant, app, 'bare', {
        account: undefined,
        grantState: 'PENDING',
        verifyTime: undefined,
        lastRefreshTime: undefined,
        keepAliveTime: undefined,
      });
      await stores.connections.create(bare);
      const rich = await connect('rich', {
        externalId: 'x-1',
        account: { ...present(connection.account), email: 'ada@mail.example' },
        labels: { a: 'b', 'strange "key"': "o'clock" },
        granted: {},
        resourceIssues: sampleIssues('CONSENT_REQUIRED', ['Mail.Read']),
        stateReason: { reason: 'CONSENT_REQUIRED', entraError: 'e', correlationId: 'c', time: NOW, mayPass: true },
        firstSuspectTime: 1,
        heldUntil: 2,
        suspendTime: 3,
      });

      expect(await stores.connections.find(tenant.uid, 'ada')).toEqual(connection);
      expect(await stores.connections.findByUid(bare.uid)).toEqual(bare);
      expect(await stores.connections.findByUid(rich.uid)).toEqual(rich);
      expect(await stores.connections.find(tenant.uid, 'Ada')).toBeUndefined();
    });

    test('secrets and personal names are stored sealed', async () => {
      const { dump, connection, stores, lease } = await startVault(open);
      const held = await lease();
      await held.record({
        connection: { ...connection, account: { ...present(connection.account), email: 'mail-canary@example.org' } },
        refreshToken: new Secret('rt-canary'),
        accessToken: sampleAccessToken('at-canary'),
      });
      await stores.apps.addCredential(
        present(await stores.apps.findByUid(connection.appUid)),
        sampleCredential(present(await stores.apps.findByUid(connection.appUid)), 'cred-canary'),
      );

      const text = textOf(await dump());

      expect(text).toContain('cred-canary');
      for (const secret of ['rt-canary', 'rt-of-ada', 'at-canary', 'secret of', 'Ada', 'ontoso', 'mail-canary']) {
        expect(text).not.toContain(secret);
      }
    });

    test('an external id belongs to one connection of a tenant, and a conflict names that connection', async () => {
      const { stores, tenant, app, connection, connect, register, dump } = await startVault(open);
      const holder = await connect('holder', { externalId: 'canary-id' });
      const other = await register('other');
      await stores.connections.create(sampleConnection(other.tenant, other.app, 'bob', { externalId: 'canary-id' }));
      const wanting = { ...connection, externalId: 'canary-id' };
      const fresh = sampleConnection(tenant, app, 'fresh', { externalId: 'canary-id' });
      const authorization = sampleAuthorization(connection);
      const started = { authorization, handleHash: 'h', attempt: sampleAttempt(authorization), stateHash: 's' };
      await stores.authorizations.start({ connection: undefined, ...started });
      const before = await dump();

      const writes: Record<string, () => Promise<unknown>> = {
        create: () => stores.connections.create(fresh),
        import: () => stores.connections.replaceGrant(undefined, fresh, new Secret('rt')),
        'import over another': () => stores.connections.replaceGrant(connection, wanting, new Secret('rt')),
        update: () => stores.connections.update(connection, wanting),
        start: () =>
          stores.authorizations.start({
            ...started,
            connection: fresh,
            authorization: sampleAuthorization(fresh),
            handleHash: 'h2',
          }),
        confirm: () => stores.authorizations.confirm(authorization, connection, wanting, sampleGrant()),
      };
      for (const [name, write] of Object.entries(writes)) {
        const error = await write().catch((error: unknown) => error);
        expect({ name, error }).toMatchObject({
          error: {
            reason: 'CONNECTION_EXISTS',
            metadata: { field: 'external_id', resource: 'tenants/acme/connections/holder' },
          },
        });
        expect(inspect(error, { depth: 9 })).not.toContain('canary');
      }

      expect(await dump()).toEqual(before);
      expect(await stores.connections.findByExternalId(tenant.uid, 'canary-id')).toEqual(holder);
      await stores.connections.delete(holder);
      expect(await stores.connections.findByExternalId(tenant.uid, 'canary-id')).toBeUndefined();
      expect((await stores.connections.update(connection, wanting)).externalId).toBe('canary-id');
    });

    test('if a connection is created twice at once, the conflict is about its name', async () => {
      const { stores, tenant, app, connect } = await startVault(open);
      await connect('bob', { externalId: 'b' });
      const again = sampleConnection(tenant, app, 'bob', { externalId: 'b' });

      const error = await stores.connections.create(again).catch((error: unknown) => error);

      expect(error).toMatchObject({ reason: 'CONNECTION_EXISTS' });
      expect(error).not.toHaveProperty('metadata.field');
    });

    test('several connections can have no external id', async () => {
      const { stores, connect, connection } = await startVault(open);
      const one = await connect('one', { externalId: 'x' });
      await connect('two');

      await stores.connections.update(one, { ...one, externalId: undefined });
      expect((await stores.connections.update(connection, { ...connection, externalId: 'x' })).version).toBe(2);
    });

    test('creating a connection with an existing id changes nothing', async () => {
      const { stores, tenant, app, connect, dump } = await startVault(open);
      const before = await dump();

      expect(await reasonOf(stores.connections.create(sampleConnection(tenant, app, 'ada')))).toBe('CONNECTION_EXISTS');
      expect(await reasonOf(connect('ada'))).toBe('CONNECTION_EXISTS');
      expect(await dump()).toEqual(before);
    });

    test('a connection of a deleted app is rejected', async () => {
      const { stores, tenant } = await startVault(open);
      const gone = sampleApp(tenant, 'gone');

      expect(await reasonOf(stores.connections.create(sampleConnection(tenant, gone, 'bob')))).toBe('APP_NOT_FOUND');
    });

    test('an update changes labels and external id only', async () => {
      const { stores, connection } = await startVault(open);
      const after = {
        ...connection,
        labels: { team: 'a' },
        externalId: 'x',
        grantState: 'BLOCKED' as const,
        updateTime: NOW + 1,
      };

      expect((await stores.connections.update(connection, after)).version).toBe(2);

      const expected = { ...connection, labels: { team: 'a' }, externalId: 'x', updateTime: NOW + 1, version: 2 };
      expect(await stores.connections.findByUid(connection.uid)).toEqual(expected);
      expect(await reasonOf(stores.connections.update(connection, after))).toBe('ETAG_MISMATCH');
    });

    test('a suspension keeps the grant and can be lifted', async () => {
      const { stores, connection } = await startVault(open);

      const suspended = await stores.connections.setSuspended(connection, NOW + 1, NOW + 1);
      expect(suspended).toEqual({ ...connection, suspendTime: NOW + 1, updateTime: NOW + 1, version: 2 });
      const resumed = await stores.connections.setSuspended(suspended, undefined, NOW + 2);
      expect(resumed).toEqual({ ...connection, updateTime: NOW + 2, version: 3 });
    });

    test('a connection is deleted with its tokens', async () => {
      const { stores, connection, lease, dump } = await startVault(open);
      await (await lease()).record({ connection, refreshToken: undefined, accessToken: sampleAccessToken() });
      await stores.connections.delete(connection);

      expect(await stores.connections.findByUid(connection.uid)).toBeUndefined();
      expect((await dump())['accessTokens']).toEqual([]);
      expect(await reasonOf(stores.connections.delete(connection))).toBe('CONNECTION_NOT_FOUND');
      expect(await reasonOf(stores.connections.setSuspended(connection, NOW, NOW))).toBe('CONNECTION_NOT_FOUND');
    });

    test('replacing a grant keeps the name, and is rejected if the connection changed meanwhile', async () => {
      const { stores, tenant, connection, tryLease, dump } = await startVault(open);
      const app = sampleApp(tenant, 'second');
      await stores.apps.create(app, undefined);
      const after: Connection = {
        ...connection,
        appUid: app.uid,
        appId: 'second',
        productScopes: ['Calendar.ReadOnly'],
      };

      const replaced = await stores.connections.replaceGrant(connection, after, new Secret('rt-new'));

      expect(await stores.connections.findByUid(connection.uid)).toEqual(replaced);
      expect(replaced).toEqual({ ...after, version: 2 });
      const before = await dump();
      expect(await reasonOf(stores.connections.replaceGrant(connection, after, new Secret('rt-late')))).toBe(
        'ETAG_MISMATCH',
      );
      expect(await dump()).toEqual(before);
      expect((await tryLease())?.refreshToken?.reveal()).toBe('rt-new');
    });

    test('pages are sorted by the bytes of tenant and id, without gaps or duplicates', async () => {
      const { stores, connect, register } = await startVault(open);
      const ids = [
        'A',
        'B',
        'a',
        'a.b',
        'a-b',
        'a_b',
        'a|b',
        'a~b',
        'a~',
        'a|',
        'aB',
        'ab',
        'b',
        '~',
        '|',
        '_',
        '-',
        '.',
        '0',
        '10',
        '9',
      ];
      for (const id of ids) await connect(id);
      const other = await register('acme-b');
      await stores.connections.create(sampleConnection(other.tenant, other.app, '!'.replace('!', '0')));

      const expected = [...ids, 'ada'].sort(byBytes).map((id) => `acme/${id}`);
      for (const size of [1, 3, 1000]) {
        expect(await names(stores, {}, size)).toEqual([...expected, 'acme-b/0']);
      }
      expect(await names(stores, { tenantIds: ['acme-b'] }, 2)).toEqual(['acme-b/0']);
    });

    test('filters by state, external id and label, and by combinations', async () => {
      const { stores, connect, register } = await startVault(open);
      await connect('blocked', { grantState: 'BLOCKED', labels: { team: 'a' }, externalId: 'x' });
      const paused = await connect('paused', { labels: { team: 'b', 'k"ey': 'v' }, externalId: 'y' });
      await stores.connections.setSuspended(paused, NOW, NOW);
      const other = await register('other');
      const elsewhere = sampleConnection(other.tenant, other.app, 'bob', { grantState: 'PENDING', externalId: 'x' });
      await stores.connections.create(elsewhere);

      expect(await names(stores, { state: 'ACTIVE' })).toEqual(['acme/ada']);
      expect(await names(stores, { state: 'BLOCKED' })).toEqual(['acme/blocked']);
      expect(await names(stores, { state: 'SUSPENDED' })).toEqual(['acme/paused']);
      expect(await names(stores, { externalId: 'x' })).toEqual(['acme/blocked', 'other/bob']);
      expect(await names(stores, { label: { key: 'team', value: 'a' } })).toEqual(['acme/blocked']);
      expect(await names(stores, { label: { key: 'k"ey', value: 'v' } })).toEqual(['acme/paused']);
      expect(await names(stores, { label: { key: 'team', value: 'c' } })).toEqual([]);
      expect(await names(stores, { externalId: 'y', state: 'SUSPENDED', tenantIds: ['acme'] })).toEqual([
        'acme/paused',
      ]);
      expect(await names(stores, { externalId: 'y', state: 'ACTIVE' })).toEqual([]);
      expect(await names(stores, { externalId: "x' OR 1=1 --" })).toEqual([]);
    });

    test('filters by the current username, ignoring case, in one tenant or in all', async () => {
      const { stores, connection, register } = await startVault(open);
      const other = await register('other');
      await stores.connections.create(sampleConnection(other.tenant, other.app, 'twin'));

      expect(await names(stores, { username: 'aDA@contoso.COM' })).toEqual(['acme/ada', 'other/twin']);
      expect(await names(stores, { username: 'ada@contoso.com', tenantIds: ['other'] })).toEqual(['other/twin']);
      expect(await names(stores, { username: 'ada' })).toEqual([]);

      const account = { ...present(connection.account), username: 'ada.l@contoso.com' };
      await stores.connections.replaceGrant(connection, { ...connection, account }, new Secret('rt'));
      expect(await names(stores, { username: 'ada@contoso.com' })).toEqual(['other/twin']);
      expect(await names(stores, { username: 'ada.l@contoso.com' })).toEqual(['acme/ada']);
    });

    test('filters by account ids, ignoring case', async () => {
      const { stores, connect, lease, connection, register } = await startVault(open);
      const account = { ...present(connection.account), directoryId: 'ABC-D', objectId: 'ABC-O' };
      const imported = await connect('imported', { account });
      await connect('neighbour', { account: { ...account, objectId: 'other' } });
      const other = await register('other');
      await stores.connections.create(sampleConnection(other.tenant, other.app, 'guest', { account }));

      expect(imported.account).toMatchObject({ directoryId: 'abc-d', objectId: 'abc-o' });
      expect(await stores.connections.findByUid(imported.uid)).toEqual(imported);
      expect(await names(stores, { objectId: 'Abc-O' })).toEqual(['acme/imported', 'other/guest']);
      expect(await names(stores, { directoryId: 'aBC-d' })).toEqual(['acme/imported', 'acme/neighbour', 'other/guest']);
      expect(await names(stores, { directoryId: 'abc-d', objectId: 'abc-o', tenantIds: ['acme'] })).toEqual([
        'acme/imported',
      ]);
      expect(await names(stores, { objectId: 'abc-o', state: 'BLOCKED' })).toEqual([]);
      expect(await names(stores, { objectId: 'abc' })).toEqual([]);

      await (await lease()).record({
        connection: { ...connection, account },
        refreshToken: undefined,
        accessToken: undefined,
      });
      expect(await names(stores, { objectId: 'abc-o', tenantIds: ['acme'] })).toEqual(['acme/ada', 'acme/imported']);
      const replaced = await stores.connections.replaceGrant(
        present(await stores.connections.findByUid(connection.uid)),
        { ...connection, account: { ...account, objectId: 'NEW' } },
        new Secret('rt'),
      );
      expect(await stores.connections.findByUid(connection.uid)).toEqual(replaced);
    });

    test('equal usernames of two tenants have different index values', async () => {
      const { stores, dump, register } = await startVault(open);
      const other = await register('other');
      await stores.connections.create(sampleConnection(other.tenant, other.app, 'twin'));

      const rows = (await dump())['connections'] as { usernameIndex: string }[];

      expect(new Set(rows.map((row) => row.usernameIndex)).size).toBe(2);
    });

    test('counts by state', async () => {
      const { stores, connect } = await startVault(open);
      await connect('b1', { grantState: 'BLOCKED' });
      await connect('b2', { grantState: 'BLOCKED', suspendTime: NOW });

      expect(await stores.connections.countByState()).toEqual({
        PENDING: 0,
        ACTIVE: 1,
        REAUTHORIZATION_REQUIRED: 0,
        BLOCKED: 1,
        SUSPENDED: 1,
      });
    });

    test('keep-alive is due for active connections without a cooldown, most overdue first', async () => {
      const { stores, connect } = await startVault(open);
      const late = await connect('late', { keepAliveTime: NOW - 1 });
      const later = await connect('later', { keepAliveTime: NOW - 2 });
      await connect('held', { keepAliveTime: NOW - 3, heldUntil: NOW + 1 });
      await connect('asleep', { keepAliveTime: NOW - 3, suspendTime: NOW });
      await connect('blocked', { keepAliveTime: undefined, grantState: 'BLOCKED' });
      const refused = await connect('refused', {
        keepAliveTime: NOW - 4,
        grantState: 'BLOCKED',
        resourceIssues: sampleIssues('BLOCKED'),
      });

      expect(await stores.connections.dueForKeepAlive(NOW, 10)).toEqual([refused.uid, later.uid, late.uid]);
      expect(await stores.connections.dueForKeepAlive(NOW, 1)).toEqual([refused.uid]);
    });

    test('counts connections whose refresh token expires soon', async () => {
      const { stores, connect } = await startVault(open);
      await connect('idle', { lastRefreshTime: NOW - 76 * DAY });
      await connect('used', { lastRefreshTime: NOW - 74 * DAY });

      expect(await stores.connections.countNearIdleEnd(NOW, 15 * DAY)).toBe(1);
      expect(await stores.connections.countNearIdleEnd(NOW, 16 * DAY)).toBe(2);
    });

    test('moved or edited personal data cannot be opened, and other rows are unaffected', async () => {
      const { stores, connection, connect, damage, database } = await startVault(open);
      const bob = await connect('bob');
      const { connections } = database.tables;
      await damage(
        'connections',
        { personal: sql`(SELECT c.personal FROM connections AS c WHERE c.uid = ${bob.uid})` },
        eq(connections.uid, connection.uid),
      );

      expect(await reasonOf(stores.connections.findByUid(connection.uid))).toBe('RECORD_CORRUPT');
      expect(await stores.connections.findByUid(bob.uid)).toEqual(bob);
    });

    test('can list more tenants than the keyring keeps in memory', async () => {
      const { stores } = await startVault(open);
      for (let number = 0; number < 30; number++) {
        const tenant = sampleTenant(`t${number}`);
        const app = sampleApp(tenant);
        await stores.tenants.register({ tenant, app, credential: undefined });
        await stores.connections.create(sampleConnection(tenant, app, 'ada', { granted: { [GRAPH]: [] } }));
      }

      expect(await names(stores, { username: 'ada@contoso.com' }, 7)).toHaveLength(31);
    });
  });
}

async function names(stores: VaultUnderTest['stores'], filter: ConnectionFilter, size = 2): Promise<string[]> {
  const names: string[] = [];
  let after: string | undefined;
  do {
    const page = await stores.connections.list({ size, after }, filter);
    expect(page.items.length).toBeLessThanOrEqual(size);
    names.push(...page.items.map((item) => `${item.tenantId}/${item.connectionId}`));
    after = page.next;
  } while (after !== undefined);
  return names;
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** Bytes as the characters that they would be. */
function textOf(rows: Record<string, unknown[]>): string {
  const cells = Object.values(rows).flatMap((table) => table.flatMap((row) => Object.values(row as object)));
  return cells.map((cell) => (Buffer.isBuffer(cell) ? cell.toString('latin1') : JSON.stringify(cell))).join('\n');
}
