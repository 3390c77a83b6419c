import { expect, test } from 'vitest';
import { DAY, HOUR, MINUTE, SECOND } from '../../src/model/clock.ts';
import { Secret } from '../../src/model/secret.ts';
import { openSinkWorld, SECRET, sinkTo } from './delivery_setup.ts';
import { startReceiver, status } from './receiver.ts';

const uids = (all: readonly { id: string }[]) => all.map(({ id }) => id);

test('brings a sink what happened since it is there, signed, as a CloudEvent', async () => {
  const world = await openSinkWorld();
  const receiver = await startReceiver(SECRET);
  await world.tell();
  const sinks = world.start([sinkTo(receiver.url)]);
  await sinks.round();
  const event = await world.tell();

  await sinks.round();

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
  expect(await world.waiting()).toEqual({});
  expect(world.counted).toEqual(['pager delivered']);
});

test('brings a sink only what it asked for', async () => {
  const world = await openSinkWorld();
  const receiver = await startReceiver(SECRET);
  const sinks = world.start([
    sinkTo(receiver.url, { types: ['credential.'], tenants: ['acme'], minSeverity: 'WARNING' }),
  ]);
  await sinks.round();
  await world.tell({ severity: 'INFO' });
  await world.tell({ tenantId: 'globex', tenantUid: 'uid-of-globex' });
  await world.tell({
    tenantId: '',
    tenantUid: '',
    type: 'vault.root_key_rotation_due',
    data: { ageDays: 365 },
  });
  const wanted = await world.tell({ severity: 'CRITICAL' });

  await sinks.round();

  expect(uids(receiver.received)).toEqual([wanted.uid]);
});

test('tells of the vault itself, which belongs to no tenant, whoever is for all', async () => {
  const world = await openSinkWorld();
  const receiver = await startReceiver(SECRET);
  const sinks = world.start([sinkTo(receiver.url)]);
  await sinks.round();
  await world.tell({
    tenantId: '',
    tenantUid: '',
    subject: '',
    type: 'vault.root_key_rotation_due',
    data: { ageDays: 365 },
  });

  await sinks.round();

  expect(receiver.received[0]?.event).toMatchObject({
    type: 'tokenvault.vault.root_key_rotation_due',
    data: { ageDays: '365' },
  });
});

test('loses nothing of what happened while a sink was dead for two days, and keeps the ids', async () => {
  const world = await openSinkWorld();
  const receiver = await startReceiver(SECRET);
  receiver.answer = status(500);
  const sinks = world.start([sinkTo(receiver.url)]);
  await sinks.round();
  const told: string[] = [];
  const start = world.clock.time;
  for (let step = 0; world.clock.time < start + 2 * DAY; step += 1) {
    if (step % 8 === 0) told.push((await world.tell()).uid);
    await sinks.round();
    world.clock.time += 30 * MINUTE;
  }
  expect(receiver.received.length).toBeGreaterThan(told.length);
  expect(await world.waiting()).toEqual({ 'pager PENDING': told.length });

  receiver.answer = status(200);
  receiver.received.length = 0;
  for (let hours = 0; hours < 7; hours += 1) {
    world.clock.time += HOUR;
    await sinks.round();
  }

  expect(uids(receiver.received).sort()).toEqual(told.sort());
  expect(await world.waiting()).toEqual({});
  expect(world.logged.map(({ name }) => name)).toEqual(['sink_failing', 'sink_recovered']);
});

test('gives up after three days of failures, logs it, and redelivers on request', async () => {
  const world = await openSinkWorld();
  const receiver = await startReceiver(SECRET);
  receiver.answer = status(410);
  const sinks = world.start([sinkTo(receiver.url)]);
  await sinks.round();
  const event = await world.tell();
  for (let hours = 0; hours < 72; hours += 1) {
    await sinks.round();
    world.clock.time += HOUR;
  }
  expect(await world.waiting()).toEqual({ 'pager PENDING': 1 });
  await sinks.round();
  expect(await world.waiting()).toEqual({ 'pager DEAD_LETTER': 1 });
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
  await sinks.round();
  expect(receiver.received).toHaveLength(tries);

  receiver.answer = status(200);
  expect(await world.stores.deliveries.redeliver('pager', world.clock.now())).toBe(1);
  await sinks.round();

  expect(new Set(uids(receiver.received))).toEqual(new Set([event.uid]));
  expect(await world.waiting()).toEqual({});
});

test('leaves a sink alone for as long as it asks', async () => {
  const world = await openSinkWorld();
  const receiver = await startReceiver(SECRET);
  receiver.answer = status(503, { 'retry-after': '1200' });
  const sinks = world.start([sinkTo(receiver.url)]);
  await sinks.round();
  await world.tell();
  await sinks.round();
  await world.tell();

  world.clock.time += 1_199 * SECOND;
  await sinks.round();
  expect(receiver.received).toHaveLength(1);

  receiver.answer = status(200);
  world.clock.time += SECOND;
  await sinks.round();
  expect(receiver.received).toHaveLength(3);
});

test('rests after a failure, rather than to knock for each of a thousand events', async () => {
  const world = await openSinkWorld();
  const receiver = await startReceiver(SECRET);
  receiver.answer = status(500);
  const sinks = world.start([sinkTo(receiver.url)]);
  await sinks.round();
  for (let count = 0; count < 100; count += 1) await world.tell();

  await sinks.round();
  await sinks.round();

  expect(receiver.received.length).toBeLessThanOrEqual(4);
  expect(await world.waiting()).toEqual({ 'pager PENDING': 100 });
});

test('goes on with the others where a sink refuses one event', async () => {
  const world = await openSinkWorld();
  const receiver = await startReceiver(SECRET);
  const sinks = world.start([sinkTo(receiver.url)]);
  await sinks.round();
  const refused = await world.tell();
  receiver.answer = (received, response) => void response.writeHead(received.id === refused.uid ? 400 : 200).end();
  for (let count = 0; count < 50; count += 1) await world.tell();

  await sinks.round();

  expect(receiver.received).toHaveLength(51);
  expect(await world.waiting()).toEqual({ 'pager PENDING': 1 });
});

test('keeps nobody waiting for a slow sink, of which it asks four things at a time', async () => {
  const world = await openSinkWorld();
  const slow = await startReceiver(SECRET);
  const quick = await startReceiver(SECRET);
  const held: (() => void)[] = [];
  slow.answer = (_, response) => void held.push(() => response.writeHead(200).end());
  const sinks = world.start([sinkTo(slow.url, { id: 'slow' }), sinkTo(quick.url, { id: 'quick' })]);
  await sinks.round();
  for (let count = 0; count < 6; count += 1) await world.tell();

  const first = sinks.round();
  await quick.has(6);
  await slow.has(4);
  await world.tell();
  const second = sinks.round();
  await quick.has(7);
  expect(slow.received).toHaveLength(4);

  slow.answer = status(200);
  for (const release of held) release();
  await Promise.all([first, second]);
  expect(slow.received).toHaveLength(7);
});

test('two replicas bring each event once, and the second goes on where the first ends', async () => {
  const world = await openSinkWorld();
  const receiver = await startReceiver(SECRET);
  const first = world.start([sinkTo(receiver.url)], 'replica-1');
  const second = world.start([sinkTo(receiver.url)], 'replica-2');
  await Promise.all([first.round(), second.round()]);
  const told: string[] = [];
  for (let count = 0; count < 20; count += 1) {
    told.push((await world.tell()).uid);
    if (count % 5 === 0) await Promise.all([first.round(), second.round(), first.round()]);
  }
  await first.close();
  told.push((await world.tell()).uid);
  await second.round();

  expect(uids(receiver.received).sort()).toEqual(told.sort());
});

test('begins nothing more once another replica has the turn', async () => {
  const world = await openSinkWorld();
  const receiver = await startReceiver(SECRET);
  const held: (() => void)[] = [];
  receiver.answer = (_, response) => void held.push(() => response.writeHead(200).end());
  const sinks = world.start([sinkTo(receiver.url)]);
  await sinks.round();
  for (let count = 0; count < 6; count += 1) await world.tell();
  const round = sinks.round();
  await receiver.has(4);

  const { leases } = world.stores;
  await leases.release('sinks', 'replica-1');
  await leases.acquire('sinks', 'replica-2', MINUTE);
  await sinks.round();
  for (const release of held) release();
  await round;

  expect(receiver.received).toHaveLength(4);
  expect(await world.waiting()).toEqual({ 'pager PENDING': 2 });
});

test('sends again, under the same id, what was answered but not recorded', async () => {
  const world = await openSinkWorld();
  const receiver = await startReceiver(SECRET);
  const sinks = world.start([sinkTo(receiver.url)]);
  await sinks.round();
  const event = await world.tell();
  const { delivered } = world.stores.deliveries;
  Object.assign(world.stores.deliveries, { delivered: () => Promise.reject(new Error('the database is gone')) });
  await expect(sinks.round()).rejects.toThrow('the database is gone');
  Object.assign(world.stores.deliveries, { delivered });

  await sinks.round();

  expect(uids(receiver.received)).toEqual([event.uid, event.uid]);
  expect(await world.waiting()).toEqual({});
});

test('cuts off what hangs when it ends; whoever is next sends it again, as if for the first time', async () => {
  const world = await openSinkWorld();
  const receiver = await startReceiver(SECRET);
  receiver.answer = () => {};
  const first = world.start([sinkTo(receiver.url)], 'replica-1');
  await first.round();
  const event = await world.tell();
  const round = first.round();
  await receiver.has(1);
  await first.close();
  await round;
  expect(world.counted).toEqual([]);

  receiver.answer = status(200);
  await world.start([sinkTo(receiver.url)], 'replica-2').round();

  expect(uids(receiver.received)).toEqual([event.uid, event.uid]);
  expect(world.counted).toEqual(['pager delivered']);
});

test('signs with the old and the new secret, so that a receiver may know either', async () => {
  const world = await openSinkWorld();
  const other = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
  const [old, renewed] = [await startReceiver(SECRET), await startReceiver(other)];
  const secrets = [new Secret(other), new Secret(SECRET)];
  const sinks = world.start([sinkTo(old.url, { id: 'old', secrets }), sinkTo(renewed.url, { id: 'renewed', secrets })]);
  await sinks.round();
  await world.tell();

  await sinks.round();

  expect([old.received.length, renewed.received.length, old.forged, renewed.forged]).toEqual([1, 1, 0, 0]);
});

test('shows neither the secret nor the address, whatever goes wrong', async () => {
  const world = await openSinkWorld();
  const receiver = await startReceiver(SECRET);
  receiver.answer = (_, response) => void response.writeHead(500).end('canary-body');
  const sinks = world.start([
    sinkTo(`${receiver.url}/canary-path?token=canary-query`),
    sinkTo('http://127.0.0.1:1/canary-path', { id: 'gone' }),
  ]);
  await sinks.round();
  await world.tell();
  for (const _ of Array.from({ length: 5 })) {
    await sinks.round();
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
