import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { ADA, type ConnectWorld, PRODUCT_CALLBACK, RETURN_URL, startConnectWorld } from './connect_world.ts';

const CONNECTION = 'tenants/acme/connections/ada';

let world: ConnectWorld;
beforeAll(async () => {
  world = await startConnectWorld();
  await world.register('acme');
});
afterAll(() => world.stop());
beforeEach(() => {
  world.audited.length = 0;
  world.counted.length = 0;
});

const press = (connectUri: string) => world.visit(`${connectUri}?cancel`, { method: 'POST' });
const headingOf = async (answer: Response) => /<h1>(.*?)<\/h1>/.exec(await answer.text())?.[1];

test('Cancel ends the authorization, and returns to the product with the outcome', async () => {
  const { connectUri } = await world.start();
  const answer = await press(connectUri);

  expect(answer.status).toBe(303);
  const back = await world.wayBack(answer);
  expect(`${back.origin}${back.pathname}`).toBe(RETURN_URL);
  expect(Object.fromEntries(back.searchParams)).toEqual({ connection: CONNECTION, outcome: 'cancelled' });
  expect(world.audited).toMatchObject([
    { caller: 'browser', method: 'web/cancel', resource: CONNECTION, status: 'OK' },
  ]);
  expect(world.counted).toEqual(['started', 'CANCELLED']);
});

test('a cancelled link that is opened again says so, and its buttons do nothing more', async () => {
  const { connectUri } = await world.start();
  await press(connectUri);
  world.audited.length = 0;

  const again = await world.visit(connectUri);
  expect(again.status).toBe(200);
  expect((await world.wayBack(again.clone())).searchParams.get('outcome')).toBe('cancelled');
  expect(await headingOf(again)).toBe('Cancelled');
  expect(await headingOf(await world.visit(connectUri, { method: 'POST' }))).toBe('Cancelled');
  expect((await press(connectUri)).status).toBe(303);
  expect(world.audited).toEqual([]);
  expect(world.counted).toEqual(['started', 'CANCELLED']);
});

test('without a return URL, the link shows that it was cancelled', async () => {
  const { connectUri } = await world.start({ autoConfirm: true });
  const answer = await press(connectUri);
  const location = new URL(answer.headers.get('location') ?? '', connectUri);
  expect(location.href).toBe(connectUri);
  expect(await headingOf(await world.visit(location.href))).toBe('Cancelled');
});

test('the browser returns only to the return URL of the authorization', async () => {
  const { connectUri } = await world.start();
  const evil = 'https://evil.example/';
  const body = new URLSearchParams({ return_url: evil });
  const queries = [`cancel&return_url=${evil}`, `return_url=${evil}&cancel`, 'cancel'];
  const locations = [];
  for (const query of queries) {
    const answer = await world.visit(`${connectUri}?${query}`, { method: 'POST', body });
    locations.push(new URL(answer.headers.get('location') ?? '').origin);
  }
  expect(locations).toEqual([world.sandbox.url, world.sandbox.url, new URL(RETURN_URL).origin]);
});

test('a sign-in that was in progress no longer connects', async () => {
  const { connectUri, authorizationUri } = await world.start();
  const callback = String(await world.signIn(authorizationUri, ADA));
  await press(connectUri);
  expect(await headingOf(await world.visit(callback))).toBe('This link is no longer valid');
  expect((await world.find())?.grantState).toBe('PENDING');
});

test('Cancel after the sign-in does not undo it', async () => {
  const { connectUri, authorizationUri } = await world.start({ connectionId: 'grace' });
  const back = await world.walk(authorizationUri, ADA);
  expect((await press(connectUri)).status).toBe(404);
  const confirmation = back.searchParams.get('confirmation') ?? '';
  const confirmed = await world.authorizations.confirm({ tenantId: 'acme', connectionId: 'grace', confirmation });
  expect(confirmed.grantState).toBe('ACTIVE');
});

test('a product with its own callback is informed there as by Entra, and ends the authorization', async () => {
  const { connectUri } = await world.start({ connectionId: 'own', redirectUri: PRODUCT_CALLBACK });
  const answer = await press(connectUri);
  const callback = new URL(answer.headers.get('location') ?? '');
  const { state = '', ...parameters } = Object.fromEntries(callback.searchParams);
  expect(`${callback.origin}${callback.pathname}`).toBe(PRODUCT_CALLBACK);
  expect(parameters).toEqual({ error: 'access_denied', error_subcode: 'cancel' });

  const completed = world.authorizations.complete({
    tenantId: 'acme',
    connectionId: 'own',
    state,
    answer: { error: 'access_denied', errorSubcode: 'cancel' },
  });
  await expect(completed).rejects.toMatchObject({ reason: 'AUTHORIZATION_DECLINED' });
  expect(await headingOf(await world.visit(connectUri))).toBe('This link is no longer valid');
});

test('two presses at once have one outcome and one entry', async () => {
  const { connectUri } = await world.start({ connectionId: 'twice' });
  const answers = await Promise.all([press(connectUri), press(connectUri)]);
  const locations = answers.map((answer) => answer.headers.get('location'));
  expect(locations[0]).toContain('outcome=cancelled');
  expect(locations[1]).toBe(locations[0]);
  expect(world.counted).toEqual(['started', 'CANCELLED']);
});

test('if it cannot be audited, the page says so, and the link is cancelled nevertheless', async () => {
  const { connectUri } = await world.start();
  world.audit.broken = true;
  const answer = await press(connectUri);
  world.audit.broken = false;
  expect(answer.status).toBe(503);
  expect(await headingOf(await world.visit(connectUri))).toBe('Cancelled');
});

test("an administrator's link cannot be cancelled, because others may use it", async () => {
  const { consentUri } = await world.adminConsents.start({ tenantId: 'acme', scopes: [] });
  expect(await (await world.visit(consentUri)).text()).not.toContain('?cancel');
  const answer = await press(consentUri);
  expect(new URL(answer.headers.get('location') ?? '').origin).toBe(world.sandbox.url);
  expect((await world.visit(consentUri)).status).toBe(200);
});
