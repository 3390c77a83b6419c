import { afterEach, beforeEach, expect, test } from 'vitest';
import { type ConnectWorld, startConnectWorld, VAULT } from './connect_world.ts';

let world: ConnectWorld;

beforeEach(async () => {
  world = await startConnectWorld();
});

afterEach(() => world.stop());

const logo = { mediaType: 'image/png' as const, image: new Uint8Array([1, 2, 3]), hash: 'ab'.repeat(32) };

test('the connect page names product and tenant, shows the logo, and describes the scopes', async () => {
  await world.register('acme', { displayName: 'Acme Mail', logoHash: logo.hash });
  const { connectUri, adminConsentUri, expireTime } = await world.start({
    scopes: ['Mail.ReadOnly', 'Mail.ReadWrite', 'Mail.Send'],
  });
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
    approval: { adminConsentUri },
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
