import { expect, onTestFinished, test } from 'vitest';
import { startHeartbeat } from '../../src/replication/replica_heartbeat.ts';
import { openWatchWorld } from '../expiry/expiry_setup.ts';
import { createManualTimers } from '../scenarios/manual_timers.ts';

test('a process counts itself and the others, until they stop', async () => {
  const { stores, dump } = await openWatchWorld();
  const { every, beat } = createManualTimers();
  const start = async (uid: string, position: number) => {
    const replica = { uid, name: uid, version: '1', startTime: 1, rootKeyIds: stores.rootKeyIds };
    const heartbeat = await startHeartbeat({ replicas: stores.replicas, every, replica, position: () => position });
    onTestFinished(() => heartbeat.close());
    return heartbeat;
  };
  const first = await start('a', 1);
  const second = await start('b', 2);
  expect(await first.liveReplicas()).toBe(2);

  await stores.replicas.remove('a');
  beat();
  await expect.poll(() => second.liveReplicas()).toBe(2);
  expect((await dump())['replicas']).toMatchObject([
    { uid: 'a', feedPosition: 1, rootKeyIds: [expect.stringMatching(/^[0-9a-f]{32}$/)] },
    { uid: 'b', feedPosition: 2 },
  ]);

  await first.close();
  expect(await second.liveReplicas()).toBe(1);
});
