import { expect, test } from 'vitest';
import { DAY, HOUR, MINUTE, SECOND } from '../../src/model/clock.ts';
import { Secret } from '../../src/model/secret.ts';
import { openDeliveries, SECRET, sinkTo } from './delivery_setup.ts';
import { startReceiver, status } from './receiver.ts';

const uids = (all: readonly { id: string }[]) => all.map(({ id }) => id);

test('delivers the events since the sink was added, as signed CloudEvents', async () => {
  const world = await openDeliveries();
  const receiver = await startReceiver(SECRET);
  await world.publish();
  const deliveries = world.start([sinkTo(receiver.url)]);
  await deliveries.runOnce();
  const event = await world.publish();

  await deliveries.runOnce();

  expect(receiver.forged).toBe(0);
  expect(receiver.received).toHaveLength(1);
  expect(receiver.received[0]).toMatchObject({
    id: event.uid,
    headers: { 'content-type': expect.stringMatching(/^application\/cloudevents\+json/) },
  });
  expect(receiver.received[0]?.event).toEqual({
    specversion: '1.0',
    id: event.uid,
    source: 'https://vault.example',
    type: 'tokenvault.credential.expiring',
    subject: 'tenants/acme/apps/default/credentials/first',
    time: '2026-11-22T00:00:00.000Z',
    datacontenttype: 'application/json',
    severity: 'WARNING',
    data: {
      app: 'tenants/acme/apps/default',
      clientId: '11111111-2222-4333-8444-555555555555',
      kind: 'CLIENT_SECRET',
      hint: 'abc',
      expireTime: '2026-12-01T00:00:00.000Z',
      thresholdDays: '14',
      covered: 'false',
    },
  });
  expect(await world.counts()).toEqual({});
  expect(world.counted).toEqual(['pager delivered']);
});

test('delivers only events that match the sink', async () => {
  const world = await openDeliveries();
  const receiver = await startReceiver(SECRET);
  const deliveries = world.start([
    sinkTo(receiver.url, { types: ['credential.'], tenants: ['acme'], minSeverity: 'WARNING' }),
  ]);
  await deliveries.runOnce();
  await world.publish({ severity: 'INFO' });
  await world.publish({ tenantId: 'globex', tenantUid: 'uid-of-globex' });
  await world.publish({
    tenantId: '',
    tenantUid: '',
    type: 'vault.root_key_rotation_due',
    data: { ageDays: 365 },
  });
  const wanted = await world.publish({ severity: 'CRITICAL' });

  await deliveries.runOnce();

  expect(uids(receiver.received)).toEqual([wanted.uid]);
});

test('delivers events of the vault itself to sinks for all tenants', async () => {
  const world = await openDeliveries();
  const receiver = await startReceiver(SECRET);
  const deliveries = world.start([sinkTo(receiver.url)]);
  await deliveries.runOnce();
  await world.publish({
    tenantId: '',
    tenantUid: '',
    subject: '',
    type: 'vault.root_key_rotation_due',
    data: { ageDays: 365 },
  });

  await deliveries.runOnce();

  expect(receiver.received[0]?.event).toMatchObject({
    type: 'tokenvault.vault.root_key_rotation_due',
    data: { ageDays: '365' },
  });
});

test('delivers all events after an outage of two days, with the same ids', async () => {
  const world = await openDeliveries();
  const receiver = await startReceiver(SECRET);
  receiver.answer = status(500);
  const deliveries = world.start([sinkTo(receiver.url)]);
  await deliveries.runOnce();
  const published: string[] = [];
  const start = world.clock.time;
  for (let step = 0; world.clock.time < start + 2 * DAY; step += 1) {
    if (step % 8 === 0) published.push((await world.publish()).uid);
    await deliveries.runOnce();
    world.clock.time += 30 * MINUTE;
  }
  expect(receiver.received.length).toBeGreaterThan(published.length);
  expect(await world.counts()).toEqual({ 'pager PENDING': published.length });

  receiver.answer = status(200);
  receiver.received.length = 0;
  for (let hours = 0; hours < 7; hours += 1) {
    world.clock.time += HOUR;
    await deliveries.runOnce();
  }

  expect(uids(receiver.received).sort()).toEqual(published.sort());
  expect(await world.counts()).toEqual({});
  expect(world.logged.map(({ name }) => name)).toEqual(['sink_failing', 'sink_recovered']);
});

test('gives up after three days of failures, logs it, and redelivers on request', async () => {
  const world = await openDeliveries();
  const receiver = await startReceiver(SECRET);
  receiver.answer = status(410);
  const deliveries = world.start([sinkTo(receiver.url)]);
  await deliveries.runOnce();
  const event = await world.publish();
  for (let hours = 0; hours < 72; hours += 1) {
    await deliveries.runOnce();
    world.clock.time += HOUR;
  }
  expect(await world.counts()).toEqual({ 'pager PENDING': 1 });
  await deliveries.runOnce();
  expect(await world.counts()).toEqual({ 'pager DEAD_LETTER': 1 });
  expect(world.counted.at(-1)).toBe('pager dead-lettered');
  expect(world.logged.at(-1)).toEqual({
    level: 'error',
    name: 'delivery_dead_lettered',
    fields: {
      sink: 'pager',
      id: event.uid,
      type: 'credential.expiring',
      attempts: receiver.received.length,
      error: 'HTTP 410',
    },
  });
  const tries = receiver.received.length;
  world.clock.time += DAY;
  await deliveries.runOnce();
  expect(receiver.received).toHaveLength(tries);

  receiver.answer = status(200);
  expect(await world.stores.deliveries.redeliver('pager', world.clock.now())).toBe(1);
  await deliveries.runOnce();

  expect(new Set(uids(receiver.received))).toEqual(new Set([event.uid]));
  expect(await world.counts()).toEqual({});
});

test('sends nothing until Retry-After has passed', async () => {
  const world = await openDeliveries();
  const receiver = await startReceiver(SECRET);
  receiver.answer = status(503, { 'retry-after': '1200' });
  const deliveries = world.start([sinkTo(receiver.url)]);
  await deliveries.runOnce();
  await world.publish();
  await deliveries.runOnce();
  await world.publish();

  world.clock.time += 1_199 * SECOND;
  await deliveries.runOnce();
  expect(receiver.received).toHaveLength(1);

  receiver.answer = status(200);
  world.clock.time += SECOND;
  await deliveries.runOnce();
  expect(receiver.received).toHaveLength(3);
});

test('pauses after a failure instead of trying each event', async () => {
  const world = await openDeliveries();
  const receiver = await startReceiver(SECRET);
  receiver.answer = status(500);
  const deliveries = world.start([sinkTo(receiver.url)]);
  await deliveries.runOnce();
  for (let count = 0; count < 100; count += 1) await world.publish();

  await deliveries.runOnce();
  await deliveries.runOnce();

  expect(receiver.received.length).toBeLessThanOrEqual(4);
  expect(await world.counts()).toEqual({ 'pager PENDING': 100 });
});

test('continues with other events if a sink rejects one', async () => {
  const world = await openDeliveries();
  const receiver = await startReceiver(SECRET);
  const deliveries = world.start([sinkTo(receiver.url)]);
  await deliveries.runOnce();
  const rejected = await world.publish();
  receiver.answer = (received, response) => void response.writeHead(received.id === rejected.uid ? 400 : 200).end();
  for (let count = 0; count < 50; count += 1) await world.publish();

  await deliveries.runOnce();

  expect(receiver.received).toHaveLength(51);
  expect(await world.counts()).toEqual({ 'pager PENDING': 1 });
});

test('a slow sink does not delay others, and gets at most four requests at a time', async () => {
  const world = await openDeliveries();
  const slow = await startReceiver(SECRET);
  const quick = await startReceiver(SECRET);
  const held: (() => void)[] = [];
  slow.answer = (_, response) => void held.push(() => response.writeHead(200).end());
  const deliveries = world.start([sinkTo(slow.url, { id: 'slow' }), sinkTo(quick.url, { id: 'quick' })]);
  await deliveries.runOnce();
  for (let count = 0; count < 6; count += 1) await world.publish();

  const first = deliveries.runOnce();
  await quick.has(6);
  await slow.has(4);
  await world.publish();
  const second = deliveries.runOnce();
  await quick.has(7);
  expect(slow.received).toHaveLength(4);

  slow.answer = status(200);
  for (const release of held) release();
  await Promise.all([first, second]);
  expect(slow.received).toHaveLength(7);
});

test('two replicas deliver each event once, and the second continues after the first', async () => {
  const world = await openDeliveries();
  const receiver = await startReceiver(SECRET);
  const first = world.start([sinkTo(receiver.url)], 'replica-1');
  const second = world.start([sinkTo(receiver.url)], 'replica-2');
  await Promise.all([first.runOnce(), second.runOnce()]);
  const published: string[] = [];
  for (let count = 0; count < 20; count += 1) {
    published.push((await world.publish()).uid);
    if (count % 5 === 0) await Promise.all([first.runOnce(), second.runOnce(), first.runOnce()]);
  }
  await first.close();
  published.push((await world.publish()).uid);
  await second.runOnce();

  expect(uids(receiver.received).sort()).toEqual(published.sort());
});

test('starts no attempt after another replica acquired the lease', async () => {
  const world = await openDeliveries();
  const receiver = await startReceiver(SECRET);
  const held: (() => void)[] = [];
  receiver.answer = (_, response) => void held.push(() => response.writeHead(200).end());
  const deliveries = world.start([sinkTo(receiver.url)]);
  await deliveries.runOnce();
  for (let count = 0; count < 6; count += 1) await world.publish();
  const run = deliveries.runOnce();
  await receiver.has(4);

  const { leases } = world.stores;
  await leases.release('event_delivery', 'replica-1');
  await leases.acquire('event_delivery', 'replica-2', MINUTE);
  await deliveries.runOnce();
  for (const release of held) release();
  await run;

  expect(receiver.received).toHaveLength(4);
  expect(await world.counts()).toEqual({ 'pager PENDING': 2 });
});

test('sends an event again, with the same id, if the response was not recorded', async () => {
  const world = await openDeliveries();
  const receiver = await startReceiver(SECRET);
  const deliveries = world.start([sinkTo(receiver.url)]);
  await deliveries.runOnce();
  const event = await world.publish();
  const { delivered } = world.stores.deliveries;
  Object.assign(world.stores.deliveries, { delivered: () => Promise.reject(new Error('the database is gone')) });
  await expect(deliveries.runOnce()).rejects.toThrow('the database is gone');
  Object.assign(world.stores.deliveries, { delivered });

  await deliveries.runOnce();

  expect(uids(receiver.received)).toEqual([event.uid, event.uid]);
  expect(await world.counts()).toEqual({});
});

test('aborts hanging requests on close, and the next replica sends the event again', async () => {
  const world = await openDeliveries();
  const receiver = await startReceiver(SECRET);
  receiver.answer = () => {};
  const first = world.start([sinkTo(receiver.url)], 'replica-1');
  await first.runOnce();
  const event = await world.publish();
  const run = first.runOnce();
  await receiver.has(1);
  await first.close();
  await run;
  expect(world.counted).toEqual([]);

  receiver.answer = status(200);
  await world.start([sinkTo(receiver.url)], 'replica-2').runOnce();

  expect(uids(receiver.received)).toEqual([event.uid, event.uid]);
  expect(world.counted).toEqual(['pager delivered']);
});

test('signs with the old and the new secret, so that a receiver may have either', async () => {
  const world = await openDeliveries();
  const other = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
  const [old, renewed] = [await startReceiver(SECRET), await startReceiver(other)];
  const secrets = [new Secret(other), new Secret(SECRET)];
  const deliveries = world.start([
    sinkTo(old.url, { id: 'old', secrets }),
    sinkTo(renewed.url, { id: 'renewed', secrets }),
  ]);
  await deliveries.runOnce();
  await world.publish();

  await deliveries.runOnce();

  expect([old.received.length, renewed.received.length, old.forged, renewed.forged]).toEqual([1, 1, 0, 0]);
});

test('never shows the secret or the address, whatever fails', async () => {
  const world = await openDeliveries();
  const receiver = await startReceiver(SECRET);
  receiver.answer = (_, response) => void response.writeHead(500).end('canary-body');
  const deliveries = world.start([
    sinkTo(`${receiver.url}/canary-path?token=canary-query`),
    sinkTo('http://127.0.0.1:1/canary-path', { id: 'gone' }),
  ]);
  await deliveries.runOnce();
  await world.publish();
  for (const _ of Array.from({ length: 5 })) {
    await deliveries.runOnce();
    world.clock.time += DAY;
  }

  const page = await world.stores.deliveries.deadLetters({ size: 10, after: undefined }, undefined);
  expect(page.items.map(({ sinkId, lastError }) => [sinkId, lastError])).toEqual([
    ['gone', 'refused'],
    ['pager', 'HTTP 500'],
  ]);
  const shown = world.shown() + JSON.stringify(page);
  expect(shown).not.toMatch(/canary/);
  expect(shown).not.toContain(SECRET.slice('whsec_'.length));
});
