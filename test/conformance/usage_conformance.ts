import { describe, expect, test } from 'vitest';
import { DAY, HOUR } from '../../src/model/clock.ts';
import type { Use } from '../../src/store/usage_store_interface.ts';
import { NOW } from './sample_rows.ts';
import { type Open, startVault } from './vault_under_test.ts';

const served = (connectionUid: string, time: number, caller?: string): Use => ({
  kind: 'connection',
  connectionUid,
  caller,
  time,
});

export function usageConformance(open: Open): void {
  describe('usage', () => {
    test('the time of a connection and of each of its callers only grows', async () => {
      const { stores, connection } = await startVault(open);
      const { uid } = connection;
      await stores.usage.record([served(uid, NOW), served(uid, NOW, 'mail'), served(uid, NOW, 'calendar')]);
      await stores.usage.record([served(uid, NOW - HOUR), served(uid, NOW - HOUR, 'mail')]);
      await stores.usage.record([served(uid, NOW + HOUR), served(uid, NOW + DAY, 'mail')]);

      expect(await stores.usage.lastServedTimes([uid, 'unknown'])).toEqual(new Map([[uid, NOW + HOUR]]));
      expect(await stores.usage.lastServedTimes([])).toEqual(new Map());
      expect(await stores.usage.callersOf(uid, 0)).toEqual([
        { caller: 'mail', lastServedTime: NOW + DAY },
        { caller: 'calendar', lastServedTime: NOW },
      ]);
      expect(await stores.usage.callersOf(uid, NOW + 1)).toHaveLength(1);
    });

    test('it changes neither the version nor the etag of a connection', async () => {
      const { stores, connection } = await startVault(open);
      await stores.usage.record([served(connection.uid, NOW)]);
      expect(await stores.connections.findByUid(connection.uid)).toEqual(connection);
    });

    test('a connection that was deleted meanwhile is left out, and the others are written', async () => {
      const { stores, connection, connect } = await startVault(open);
      const bea = await connect('bea');
      await stores.connections.delete(bea);
      await stores.usage.record([served(bea.uid, NOW), served(bea.uid, NOW, 'mail'), served(connection.uid, NOW)]);
      expect([...(await stores.usage.lastServedTimes([bea.uid, connection.uid])).keys()]).toEqual([connection.uid]);
    });

    test('it is deleted with its connection, and with its tenant', async () => {
      const { stores, connection, connect, tenant, dump } = await startVault(open);
      const bea = await connect('bea');
      const uses = [connection, bea].flatMap(({ uid }) => [served(uid, NOW), served(uid, NOW, 'mail')]);
      await stores.usage.record(uses);

      await stores.connections.delete(bea);
      const left = await dump();
      expect([left['connectionUse'], left['connectionCallers']].map((rows) => rows?.length)).toEqual([1, 1]);
      await stores.tenants.delete(tenant);
      const { connectionUse, connectionCallers } = await dump();
      expect([connectionUse, connectionCallers]).toEqual([[], []]);
    });

    test('tenants are counted once for each caller, and credentials keep their last time', async () => {
      const { stores, connection, connect, register } = await startVault(open);
      const bea = await connect('bea');
      await register('other');
      await stores.usage.record([
        served(connection.uid, NOW, 'mail'),
        served(bea.uid, NOW, 'mail'),
        { kind: 'credential', caller: 'mail', credentialId: 'k1', time: NOW },
        { kind: 'credential', caller: 'mail', credentialId: 'k1', time: NOW - 1 },
        { kind: 'credential', caller: 'mail', credentialId: 'k2', time: NOW + 1 },
      ]);
      expect(await stores.usage.tenantCounts()).toEqual(new Map([['mail', 1]]));
      expect((await stores.usage.credentials()).toSorted((a, b) => a.time - b.time)).toEqual([
        { caller: 'mail', credentialId: 'k1', time: NOW },
        { caller: 'mail', credentialId: 'k2', time: NOW + 1 },
      ]);
    });

    test('callers of connections that were served long ago are swept, a few at a time', async () => {
      const { stores, connection } = await startVault(open);
      const uses = ['a', 'b', 'c'].map((caller, at) => served(connection.uid, NOW + at, caller));
      await stores.usage.record(uses);
      expect(await stores.usage.sweepConnectionCallers(NOW + 2, 1)).toBe(1);
      expect(await stores.usage.sweepConnectionCallers(NOW + 2, 9)).toBe(1);
      expect((await stores.usage.callersOf(connection.uid, 0)).map(({ caller }) => caller)).toEqual(['c']);
    });

    test('credentials that were last used long ago are swept, a few at a time', async () => {
      const { stores } = await startVault(open);
      const use = (credentialId: string, time: number): Use => ({
        kind: 'credential',
        caller: 'mail',
        credentialId,
        time,
      });
      await stores.usage.record([use('k1', NOW), use('k2', NOW + 1), use('k3', NOW + 2)]);
      expect(await stores.usage.sweepCredentials(NOW + 2, 1)).toBe(1);
      expect(await stores.usage.sweepCredentials(NOW + 2, 9)).toBe(1);
      expect(await stores.usage.sweepCredentials(NOW + 2, 9)).toBe(0);
      expect(await stores.usage.credentials()).toEqual([{ caller: 'mail', credentialId: 'k3', time: NOW + 2 }]);
    });

    test('connections are listed that were neither served nor created since a time', async () => {
      const { stores, connection, connect } = await startVault(open);
      const [old, fresh] = [await connect('old', { createTime: NOW }), await connect('new', { createTime: NOW + 9 })];
      await stores.usage.record([served(connection.uid, NOW + 9)]);
      const idle = async (idleSince: number) => {
        const { items } = await stores.connections.list({ size: 9, after: undefined }, { idleSince });
        return items.map(({ uid }) => uid);
      };

      expect(await idle(NOW + 9)).toEqual([old.uid]);
      expect(await idle(NOW + 10)).toEqual([connection.uid, fresh.uid, old.uid]);
      expect(await idle(NOW)).toEqual([]);
    });
  });
}
