import { eq, sql } from 'drizzle-orm';
import { describe, expect, test } from 'vitest';
import { DAY } from '../../src/model/clock.ts';
import type { Connection } from '../../src/model/connection.ts';
import { Secret } from '../../src/model/secret.ts';
import type { HeldLease, RefreshRecord } from '../../src/store/store_interfaces.ts';
import {
  GRAPH,
  NOW,
  OUTLOOK,
  sampleAccessToken,
  sampleAttempt,
  sampleAuthorization,
  sampleGrant,
  sampleIssues,
} from './sample_rows.ts';
import { type Open, present, reasonOf, startVault, type VaultUnderTest } from './vault_under_test.ts';

export function grantsConformance(open: Open): void {
  describe('grants', () => {
    test('a lease provides the connection and its refresh token to one owner at a time', async () => {
      const { stores, connection, tryLease } = await startVault(open);

      const held = present(await tryLease());

      expect(held.connection).toEqual(connection);
      expect(held.refreshToken?.reveal()).toBe('rt-of-ada');
      expect(held.previousRefreshToken()).toBeUndefined();
      expect(held.accessToken).toBeUndefined();
      expect(await tryLease()).toBeUndefined();
      const request = { owner: 'r', resource: GRAPH, duration: 1 };
      expect(await stores.grants.lease('nobody', request)).toBeUndefined();
    });

    test('one of many simultaneous requests gets the lease', async () => {
      const { tryLease } = await startVault(open);

      const held = await Promise.all(Array.from({ length: 20 }, tryLease));

      expect(held.filter((lease) => lease !== undefined)).toHaveLength(1);
    });

    test('a released lease is free at once', async () => {
      const { lease } = await startVault(open);
      await (await lease()).release();

      expect((await lease()).refreshToken?.reveal()).toBe('rt-of-ada');
    });

    test('a lease that expired by the database clock passes on, and the first owner is fenced', async () => {
      const { stores, connection, clock, tryLease } = await startVault(open);
      const short = { owner: 'slow', resource: GRAPH, duration: -1 };
      const slow = present(await stores.grants.lease(connection.uid, short));
      // The vault's own clock has no say.
      clock.time -= 365 * DAY;
      const fast = present(await tryLease());

      expect(await slow.record(outcome(connection, 'rt-slow'))).toBe('fenced');
      await slow.release();
      expect(await tryLease()).toBeUndefined();
      expect(await fast.record(outcome(connection, 'rt-fast'))).toBe('recorded');
      expect(present(await tryLease()).refreshToken?.reveal()).toBe('rt-fast');
    });

    test('an expired lease can still record if nobody else took it', async () => {
      const { stores, connection } = await startVault(open);
      const held = present(await stores.grants.lease(connection.uid, { owner: 'a', resource: GRAPH, duration: -1 }));

      expect(await held.record(outcome(connection, 'rt-2'))).toBe('recorded');
    });

    test('a record rotates the refresh token, stores the access token and releases the lease', async () => {
      const { stores, connection, clock, lease } = await startVault(open);
      const after: Connection = {
        ...connection,
        granted: { [GRAPH]: ['Mail.Read', 'Mail.Send'] },
        lastRefreshTime: NOW + 7,
        keepAliveTime: NOW + 8,
        updateTime: NOW + 7,
      };
      clock.time = NOW + 7;

      const recorded = await (await lease()).record({
        connection: after,
        refreshToken: new Secret('rt-2'),
        accessToken: sampleAccessToken('at-2'),
      });

      expect(recorded).toBe('recorded');
      expect(await stores.connections.findByUid(connection.uid)).toEqual({ ...after, version: 2 });
      const next = await lease();
      expect(next.refreshToken?.reveal()).toBe('rt-2');
      expect(next.previousRefreshToken()?.token.reveal()).toBe('rt-of-ada');
      expect(next.previousRefreshToken()?.replacedTime).toBe(NOW + 7);
      expect(next.accessToken).toEqual(sampleAccessToken('at-2'));
      expect(next.accessToken?.token.reveal()).toBe('at-2');
    });

    test('a response without a refresh token keeps the old and the previous one', async () => {
      const { connection, lease } = await startVault(open);
      await (await lease()).record(outcome(connection, 'rt-2'));
      await (await lease()).record({ connection, refreshToken: undefined, accessToken: sampleAccessToken() });

      const held = await lease();
      expect(held.refreshToken?.reveal()).toBe('rt-2');
      expect(held.previousRefreshToken()?.token.reveal()).toBe('rt-of-ada');
    });

    test('the previous refresh token is no longer returned after a day', async () => {
      const { connection, clock, lease } = await startVault(open);
      await (await lease()).record(outcome(connection, 'rt-2'));

      clock.time = NOW + DAY;

      expect((await lease()).previousRefreshToken()).toBeUndefined();
    });

    test('recording a failure does not change tokens', async () => {
      const { stores, connection, lease } = await startVault(open);
      await (await lease()).record({ connection, refreshToken: undefined, accessToken: sampleAccessToken() });
      const failed: Connection = {
        ...connection,
        grantState: 'REAUTHORIZATION_REQUIRED',
        stateReason: {
          reason: 'REAUTHORIZATION_REQUIRED',
          entraError: 'invalid_grant',
          correlationId: 'c',
          time: NOW,
        },
        resourceIssues: sampleIssues('REAUTHORIZATION_REQUIRED'),
        keepAliveTime: undefined,
      };
      await (await lease()).record({ connection: failed, refreshToken: undefined, accessToken: undefined });

      expect(await stores.connections.findByUid(connection.uid)).toEqual({ ...failed, version: 3 });
      const held = await lease();
      expect(held.refreshToken?.reveal()).toBe('rt-of-ada');
      expect(held.accessToken).toEqual(sampleAccessToken());
    });

    test('a record keeps concurrent changes of a product', async () => {
      const { stores, connection, lease } = await startVault(open);
      const held = await lease();
      const changes = { labels: { a: 'b' }, externalId: 'x', updateTime: NOW + 5 };
      await stores.connections.update(connection, { ...connection, ...changes });

      expect(await held.record(outcome(connection, 'rt-2'))).toBe('recorded');

      expect(await stores.connections.findByUid(connection.uid)).toMatchObject({
        ...changes,
        version: 3,
      });
    });

    test('a record can add the account, which is then found by its username', async () => {
      const { stores, connection, lease } = await startVault(open);
      const account = {
        directoryId: 'd2',
        objectId: 'o2',
        username: 'Grace@contoso.com',
        displayName: 'Grace',
        email: undefined,
      };
      await (await lease()).record({ ...outcome(connection, 'rt-2'), connection: { ...connection, account } });

      const found = await stores.connections.list({ size: 1, after: undefined }, { username: 'grace@contoso.com' });
      expect(found.items[0]?.account).toEqual(account);
    });

    test('a record can add the e-mail address only', async () => {
      const { stores, connection, lease } = await startVault(open);
      const account = { ...present(connection.account), email: 'ada@mail.example' };
      await (await lease()).record({ ...outcome(connection, 'rt-2'), connection: { ...connection, account } });

      expect((await stores.connections.findByUid(connection.uid))?.account).toEqual(account);
    });

    test('keeps one access token per resource', async () => {
      const { stores, connection, lease } = await startVault(open);
      await (await lease()).record({ connection, refreshToken: undefined, accessToken: sampleAccessToken('g1') });
      await (await lease()).record({ connection, refreshToken: undefined, accessToken: sampleAccessToken('g2') });
      const outlook = sampleAccessToken('o1', OUTLOOK);
      await (await lease(OUTLOOK)).record({ connection, refreshToken: undefined, accessToken: outlook });

      expect((await stores.grants.findAccessToken(connection, GRAPH, 0))?.token.reveal()).toBe('g2');
      expect((await stores.grants.findAccessToken(connection, OUTLOOK, 0))?.token.reveal()).toBe('o1');
      expect(await stores.grants.findAccessToken(connection, 'https://other', 0)).toBeUndefined();
    });

    describe('every write of a grant fences a refresh in progress and deletes stored access tokens', () => {
      const writers: Record<string, (vault: VaultUnderTest) => Promise<unknown>> = {
        'replacing the grant': ({ stores, connection }) =>
          stores.connections.replaceGrant({ ...connection, version: 2 }, connection, new Secret('rt-new')),
        suspending: ({ stores, connection }) => stores.connections.setSuspended(connection, NOW, NOW),
        resuming: ({ stores, connection }) => stores.connections.setSuspended(connection, undefined, NOW),
        deleting: ({ stores, connection }) => stores.connections.delete(connection),
        confirming: async ({ stores, connection }) => {
          const authorization = sampleAuthorization(connection);
          await stores.authorizations.start({
            connection: undefined,
            authorization,
            handleHash: 'h',
            attempt: sampleAttempt(authorization),
            stateHash: 's',
          });
          await stores.authorizations.confirm(authorization, { ...connection, version: 2 }, connection, sampleGrant());
        },
      };

      test.each(Object.entries(writers))('%s', async (_, write) => {
        const vault = await startVault(open);
        const { stores, connection, lease } = vault;
        await (await lease()).record({ connection, refreshToken: undefined, accessToken: sampleAccessToken() });
        const held = await lease();
        await write(vault);
        const written = await vault.dump();

        expect(await stores.grants.findAccessToken(connection, GRAPH, 0)).toBeUndefined();
        expect(await held.record(outcome(connection, 'rt-fenced'))).toBe('fenced');
        await held.release();
        expect(await vault.dump()).toEqual(written);
      });

      test.each(Object.entries(writers).filter(([name]) => name !== 'deleting'))(
        '%s leaves the lease free',
        async (_, write) => {
          const vault = await startVault(open);
          const { connection, lease } = vault;
          await (await lease()).record({ connection, refreshToken: undefined, accessToken: undefined });
          const stale = await lease();
          await write(vault);

          for (let next = 0; next < 5; next++) {
            await (await lease()).release();
            // Lease ids never repeat: no later lease makes an old one valid again.
            expect(await stale.record(outcome(connection, 'rt-stale'))).toBe('fenced');
          }
        },
      );
    });

    test('swapped, moved or edited sealed columns cannot be opened, and the lease is released', async () => {
      const { connection, connect, lease, tryLease, damage, database } = await startVault(open);
      await (await lease()).record(outcome(connection, 'rt-2'));
      const bob = await connect('bob');
      const { connections } = database.tables;
      const here = eq(connections.uid, connection.uid);
      const edits = {
        swapped: sql`previous_refresh_token`,
        moved: sql`(SELECT c.refresh_token FROM connections AS c WHERE c.uid = ${bob.uid})`,
        cut: Buffer.from('short'),
        empty: Buffer.alloc(0),
      };
      for (const refreshToken of Object.values(edits)) {
        await damage('connections', { refreshToken }, here);
        expect(await reasonOf(tryLease())).toBe('RECORD_CORRUPT');
        expect(await reasonOf(tryLease())).toBe('RECORD_CORRUPT');
      }
    });

    test('a lease reads and opens only what its owner does not know', async () => {
      const { stores, connection, lease, damage, database } = await startVault(open);
      await (await lease()).record({ connection, refreshToken: undefined, accessToken: sampleAccessToken() });
      const known = present(await stores.connections.findByUid(connection.uid));
      const here = eq(database.tables.connections.uid, connection.uid);
      await damage('connections', { personal: Buffer.from('short') }, here);
      const request = { owner: 'a', resource: GRAPH, duration: 60_000 };

      const held = present(await stores.grants.lease(connection.uid, { ...request, known }));
      expect([held.connection, held.accessToken]).toEqual([known, undefined]);
      expect(held.refreshToken?.reveal()).toBe('rt-of-ada');
      await held.release();

      const stale = stores.grants.lease(connection.uid, { ...request, known: connection });
      expect(await reasonOf(stale)).toBe('RECORD_CORRUPT');
    });

    test('a lease finds the access token that was stored since its owner read the connection', async () => {
      const { stores, connection, lease } = await startVault(open);
      await (await lease()).record({ connection, refreshToken: undefined, accessToken: sampleAccessToken('at-2') });
      const request = { owner: 'a', resource: GRAPH, duration: 60_000, known: connection };

      const held = present(await stores.grants.lease(connection.uid, request));

      expect(held.accessToken?.token.reveal()).toBe('at-2');
    });

    test('an access token that was moved to another resource is ignored', async () => {
      const { stores, connection, lease, damage } = await startVault(open);
      await (await lease()).record({ connection, refreshToken: undefined, accessToken: sampleAccessToken() });
      await damage('accessTokens', { resource: OUTLOOK });

      expect(await stores.grants.findAccessToken(connection, OUTLOOK, 0)).toBeUndefined();
      // So an exchange can replace it.
      const held = await lease(OUTLOOK);
      expect([held.accessToken, held.refreshToken?.reveal()]).toEqual([undefined, 'rt-of-ada']);
      const accessToken = sampleAccessToken('at-new', OUTLOOK);
      expect(await held.record({ connection, refreshToken: undefined, accessToken })).toBe('recorded');
      const found = await stores.grants.findAccessToken(connection, OUTLOOK, 0);
      expect(found?.token.reveal()).toBe('at-new');
    });

    test('a record can be repeated if its result was lost', async () => {
      const { connection, lease } = await startVault(open);
      const held: HeldLease = await lease();

      expect(await held.record(outcome(connection, 'rt-2'))).toBe('recorded');
      expect(await held.record(outcome(connection, 'rt-2'))).toBe('recorded');

      const next = await lease();
      expect(next.refreshToken?.reveal()).toBe('rt-2');
      expect(next.previousRefreshToken()?.token.reveal()).toBe('rt-of-ada');
    });
  });
}

function outcome(connection: Connection, refreshToken: string): RefreshRecord {
  return { connection, refreshToken: new Secret(refreshToken), accessToken: sampleAccessToken() };
}
