import { afterEach, beforeEach, expect, test } from 'vitest';
import { hashOneTimeToken } from '../../src/connect/one_time_token.ts';
import { purgeExpired } from '../../src/connect/purge_expired_consents_and_events.ts';
import { type ConnectWorld, startConnectWorld, VAULT } from './connect_world.ts';

const DAY = 86_400_000;

let world: ConnectWorld;

beforeEach(async () => {
  world = await startConnectWorld();
});

afterEach(() => world.stop());

const logo = { mediaType: 'image/png' as const, image: new Uint8Array([1, 2, 3]), hash: 'ab'.repeat(32) };

test('the connect page names product and tenant, shows the logo, and describes the scopes', async () => {
  await world.register('acme', { displayName: 'Acme Mail', logoHash: logo.hash });
  const { connectUri, expireTime } = await world.start({ scopes: ['Mail.ReadOnly', 'Mail.ReadWrite', 'Mail.Send'] });
  expect(await world.authorizations.describe(connectUri.split('/').at(-1) ?? '')).toEqual({
    product: { name: 'Acme Mail', tenant: 'acme Inc.', logo: logo.hash },
    scopes: ['Read, change and delete your mail, and write drafts', 'Send mail as you'],
    implicit: [
      'Read your mailbox settings, such as time zone and automatic replies',
      'Sign you in and read your profile',
      'See your name and e-mail address',
      'Stay connected when you are away',
    ],
    expireTime,
  });
});

test('a callback with an unknown state names no product', async () => {
  const answer = { state: 'x'.repeat(43), answer: { error: 'access_denied' }, requestId: 'r-1' };
  expect(await world.authorizations.callback(answer)).toEqual({
    outcome: 'STATE_INVALID',
    returnUrl: undefined,
    product: undefined,
    adminConsentUri: undefined,
  });
});

test('a logo is found by its hash; for other text the database is not queried', async () => {
  const { app } = await world.register('acme');
  await world.stores.apps.update(app, { ...app, logoHash: logo.hash }, logo);
  const find = (hash: string) => world.visit(`${VAULT}/logos/${hash}`);
  const found = await find(logo.hash);
  expect(found.headers.get('content-type')).toBe('image/png');
  expect(new Uint8Array(await found.arrayBuffer())).toEqual(logo.image);
  expect((await find('cd'.repeat(32))).status).toBe(404);
  Object.assign(world.stores.apps, { findLogo: world.outage });
  for (const text of ['', '../x', logo.hash.toUpperCase(), `${logo.hash}0`]) {
    expect((await find(text)).status).toBe(404);
  }
});

test('expired links and responses are deleted, and events after thirty days', async () => {
  await world.register('acme');
  await world.start();
  const { consentUri } = await world.adminConsents.start({ tenantId: 'acme', scopes: [] });
  const clock = world.sandbox.clock;
  const handleHash = hashOneTimeToken(consentUri.split('/').at(-1) ?? '');
  const counts = async () => [
    (await world.stores.adminConsents.findByHandle(handleHash)) === undefined ? 0 : 1,
    (await world.stores.outbox.read(0, 10)).length,
  ];
  const purge = () => purgeExpired({ stores: world.stores, clock: { now: () => clock.now() } });

  await purge();
  expect(await counts()).toEqual([1, 1]);
  clock.advance(8 * DAY);
  await purge();
  expect(await counts()).toEqual([0, 1]);
  clock.advance(23 * DAY);
  await purge();
  expect(await counts()).toEqual([0, 0]);
});

test('expired authorizations are deleted in batches, and other work runs between two batches', async () => {
  const left = [250, 250, 7, 1];
  const order: string[] = [];
  const authorizations = {
    ...world.stores.authorizations,
    async sweep(_: number, limit: number) {
      order.push('batch');
      setImmediate(() => order.push('other'));
      return Math.min(left.shift() ?? 0, limit);
    },
  };
  await purgeExpired({ stores: { ...world.stores, authorizations }, clock: world.sandbox.clock });
  expect(left).toEqual([1]);
  expect(order.slice(0, 5)).toEqual(['batch', 'other', 'batch', 'other', 'batch']);
});

test('old events are deleted in batches until the last one is gone', async () => {
  const left = [1_000, 1_000, 12, 1];
  const outbox = {
    ...world.stores.outbox,
    sweep: async (_: number, limit: number) => Math.min(left.shift() ?? 0, limit),
  };
  await purgeExpired({ stores: { ...world.stores, outbox }, clock: world.sandbox.clock });
  expect(left).toEqual([1]);
});
