import { expect, test } from 'vitest';
import { MINUTE, SECOND } from '../../src/model/clock.ts';
import type { Sink } from '../../src/model/event_sink.ts';
import { Secret } from '../../src/model/secret.ts';
import { openDeliveries, SECRET, sinkTo } from './delivery_setup.ts';
import { startReceiver, status } from './receiver.ts';

const uids = (all: readonly { id: string }[]) => all.map(({ id }) => id);

/** Deliveries to sinks that a test replaces. */
async function openChanging(...first: readonly Sink[]) {
  const world = await openDeliveries();
  let sinks: readonly Sink[] = first;
  const deliveries = world.start(() => sinks);
  await deliveries.runOnce();
  return {
    ...world,
    deliveries,
    use(...next: readonly Sink[]) {
      sinks = next;
    },
  };
}

test('a sink that is added receives events from then on', async () => {
  const [one, other] = [await startReceiver(SECRET), await startReceiver(SECRET)];
  const world = await openChanging(sinkTo(one.url));
  await world.publish();
  world.use(sinkTo(one.url), sinkTo(other.url, { id: 'mail' }));
  await world.deliveries.runOnce();
  const event = await world.publish();

  await world.deliveries.runOnce();

  expect(one.received).toHaveLength(2);
  expect(uids(other.received)).toEqual([event.uid]);
});

test('the first sink can be added while nothing is configured', async () => {
  const receiver = await startReceiver(SECRET);
  const world = await openChanging();
  world.use(sinkTo(receiver.url));
  await world.deliveries.runOnce();
  await world.publish();

  await world.deliveries.runOnce();

  expect(receiver.received).toHaveLength(1);
});

test('a sink that is added is delivered to by the replica with the lease, from when any replica knew it', async () => {
  const receiver = await startReceiver(SECRET);
  const world = await openChanging(sinkTo(receiver.url));
  const added = sinkTo(receiver.url, { id: 'mail' });
  const other = world.start([sinkTo(receiver.url), added], 'replica-2');
  await other.runOnce();
  const event = await world.publish();
  await world.deliveries.runOnce();
  expect(receiver.received).toHaveLength(1);

  world.use(sinkTo(receiver.url), added);
  await world.deliveries.runOnce();

  expect(uids(receiver.received)).toEqual([event.uid, event.uid]);
});

test('a sink that is removed keeps its deliveries, and gets all events when it is back', async () => {
  const receiver = await startReceiver(SECRET);
  receiver.answer = status(500);
  const [pager, mail] = [sinkTo(receiver.url), sinkTo(receiver.url, { id: 'mail', types: ['vault.'] })];
  const world = await openChanging(pager, mail);
  const published = [await world.publish()];
  await world.deliveries.runOnce();
  world.use(mail);
  published.push(await world.publish());
  world.clock.time += MINUTE;
  await world.deliveries.runOnce();
  expect(receiver.received).toHaveLength(1);
  expect(await world.counts()).toEqual({ 'pager PENDING': 1 });

  receiver.answer = status(200);
  receiver.received.length = 0;
  world.use(pager, mail);
  await world.deliveries.runOnce();

  expect(uids(receiver.received).sort()).toEqual(published.map(({ uid }) => uid).sort());
  expect(await world.counts()).toEqual({});
});

test('a delivery in progress to a sink that is removed completes, and the others wait', async () => {
  const receiver = await startReceiver(SECRET);
  const held: (() => void)[] = [];
  receiver.answer = (_, response) => void held.push(() => response.writeHead(200).end());
  const world = await openChanging(sinkTo(receiver.url));
  for (let count = 0; count < 6; count += 1) await world.publish();
  const run = world.deliveries.runOnce();
  await receiver.has(4);

  world.use(sinkTo(receiver.url, { id: 'mail' }));
  await world.deliveries.runOnce();
  for (const release of held) release();
  await run;

  expect(world.counted).toEqual(new Array(4).fill('pager delivered'));
  expect(receiver.received).toHaveLength(4);
  expect(await world.counts()).toEqual({ 'pager PENDING': 2 });
});

test('a sink that moves gets the next attempt at its new URL, without the pause of the old one', async () => {
  const [old, renewed] = [await startReceiver(SECRET), await startReceiver(SECRET)];
  old.answer = status(503, { 'retry-after': '3600' });
  const world = await openChanging(sinkTo(old.url));
  await world.publish();
  await world.deliveries.runOnce();
  world.use(sinkTo(renewed.url));
  const event = await world.publish();

  await world.deliveries.runOnce();

  expect(old.received).toHaveLength(1);
  expect(uids(renewed.received)).toEqual([event.uid]);
  expect(world.logged.map(({ name }) => name)).toEqual(['sink_failing', 'sink_recovered']);
});

test('a sink whose secret is replaced gets the next attempt with the new one, also in the same run', async () => {
  const other = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
  const receiver = await startReceiver(SECRET);
  const world = await openChanging(sinkTo(receiver.url, { secrets: [new Secret(other)] }));
  await world.publish();
  await world.deliveries.runOnce();
  expect([receiver.forged, receiver.received.length]).toEqual([1, 0]);

  world.use(sinkTo(receiver.url));
  world.clock.time += 15 * SECOND;
  for (let count = 0; count < 10; count += 1) await world.publish();
  receiver.answer = (_, response) => {
    world.use(sinkTo(receiver.url, { secrets: [new Secret(other)] }));
    response.writeHead(200).end();
  };
  await world.deliveries.runOnce();

  // Four were in flight with the right secret, and then those after the change failed.
  expect(receiver.received).toHaveLength(4);
  expect(receiver.forged).toBeGreaterThan(1);
});

test('a sink that does not change keeps its pause while another one is added', async () => {
  const receiver = await startReceiver(SECRET);
  receiver.answer = status(503, { 'retry-after': '3600' });
  const world = await openChanging(sinkTo(receiver.url));
  await world.publish();
  await world.deliveries.runOnce();
  await world.publish();
  world.use(sinkTo(receiver.url), sinkTo(receiver.url, { id: 'mail', types: ['vault.'] }));

  await world.deliveries.runOnce();

  expect(receiver.received).toHaveLength(1);
});
