import { sql } from 'drizzle-orm';
import { describe, expect, test } from 'vitest';
import { HOUR, MINUTE } from '../../src/model/clock.ts';
import { NOW } from './sample_rows.ts';
import { type Open, startVault } from './vault_under_test.ts';

const replica = { name: 'host-1', version: '1.0.0', startTime: NOW, feedPosition: 0, rootKeyIds: ['ab', 'cd'] };

const SEEN = { heartbeatAge: expect.any(Number), enforcesContainments: true };

export function replicasConformance(open: Open): void {
  describe('replicas', () => {
    test('those with a recent heartbeat are live until they are removed', async () => {
      const { stores, damage } = await startVault(open);
      const ids = ['a', 'b', 'c'];
      for (const uid of ids) await stores.replicas.heartbeat({ ...replica, uid });
      expect(await stores.replicas.live(MINUTE)).toBe(3);

      await damage('replicas', { heartbeatTime: sql`heartbeat_time - ${2 * MINUTE}` }, sql`uid <> 'c'`);
      expect(await stores.replicas.live(MINUTE)).toBe(1);
      await stores.replicas.heartbeat({ ...replica, uid: 'a', feedPosition: 7 });
      expect(await stores.replicas.live(MINUTE)).toBe(2);
      await stores.replicas.remove('c');
      expect(await stores.replicas.live(MINUTE)).toBe(1);
    });

    test('a heartbeat keeps the facts of its process, and renews its position', async () => {
      const { stores, dump } = await startVault(open);
      await stores.replicas.heartbeat({ ...replica, uid: 'a' });
      await stores.replicas.heartbeat({ ...replica, uid: 'a', feedPosition: 7 });

      expect((await dump())['replicas']).toEqual([
        { ...replica, uid: 'a', feedPosition: 7, heartbeatTime: expect.any(Number), enforcesContainments: true },
      ]);
    });

    test('those that are live are listed by name, with the age of their heartbeat', async () => {
      const { stores, damage } = await startVault(open);
      await stores.replicas.heartbeat({ ...replica, uid: 'a', name: 'host-2' });
      await stores.replicas.heartbeat({ ...replica, uid: 'b', name: 'host-1', feedPosition: 7 });
      await stores.replicas.heartbeat({ ...replica, uid: 'c', name: 'host-3' });
      await damage('replicas', { heartbeatTime: sql`heartbeat_time - ${HOUR}` }, sql`uid = 'c'`);

      expect(await stores.replicas.listLive(MINUTE)).toEqual([
        { ...replica, uid: 'b', name: 'host-1', feedPosition: 7, ...SEEN },
        { ...replica, uid: 'a', name: 'host-2', ...SEEN },
      ]);
    });

    test('ids of old commits are swept', async () => {
      const { stores, database } = await startVault(open);
      const { commits } = database.tables;
      const insert = (commitId: string, time: number) =>
        database.write('test', (db) => db.insert(commits).values({ commitId, time })).run({});
      await insert('old', Date.now() - 2 * HOUR);
      await insert('new', Date.now());

      expect(await stores.commitIds.sweep(HOUR, 9)).toBe(1);
    });

    test('those that ended long ago are swept', async () => {
      const { stores, damage } = await startVault(open);
      for (const uid of ['a', 'b']) await stores.replicas.heartbeat({ ...replica, uid });
      await damage('replicas', { heartbeatTime: sql`heartbeat_time - ${2 * HOUR}` }, sql`uid = 'a'`);

      expect(await stores.replicas.sweep(HOUR, 9)).toBe(1);
      expect(await stores.replicas.live(MINUTE)).toBe(1);
    });
  });
}
