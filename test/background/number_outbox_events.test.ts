import { expect, onTestFinished, test } from 'vitest';
import { startNumbering } from '../../src/background/number_outbox_events.ts';
import { silentLog } from '../../src/telemetry/log_events.ts';
import { openWatchWorld } from '../expiry/expiry_setup.ts';
import { createManualTimers } from '../scenarios/manual_timers.ts';

test('one replica numbers new events, and the next one goes on when it stops', async () => {
  const { stores, damage, connect } = await openWatchWorld();
  const { every, beat } = createManualTimers();
  const start = (replica: string) => {
    const numbering = startNumbering({ stores, every, log: silentLog, replica });
    onTestFinished(() => numbering.close());
    return numbering;
  };
  const first = start('first');
  const second = start('second');
  await first.runOnce();
  await damage('outbox', { number: null });

  await second.runOnce();
  expect(await stores.outbox.read(0, 9)).toEqual([]);
  beat();
  await expect.poll(async () => (await stores.outbox.read(0, 9)).length).toBe(1);

  await first.close();
  await connect('bob');
  await damage('outbox', { number: null });
  await second.runOnce();
  expect((await stores.outbox.read(0, 9)).map(({ event }) => event.subject)).toEqual([
    'tenants/acme/connections/ada',
    'tenants/acme/connections/bob',
  ]);
});
