import { afterEach, beforeEach, expect, test } from 'vitest';
import { DAY, HOUR, MINUTE, SECOND } from '../../src/model/clock.ts';
import type { Connection } from '../../src/model/connection.ts';
import { resourcesOf } from '../../src/model/connection_resource_states.ts';
import { ask, BOB, eventually, GRAPH, OUTLOOK, openTokenWorld, reasonOf, type TokenWorld } from './token_world.ts';

const ADA = 'ada@contoso.example';
const MAIL = 'Mail.Read';
const IMAP = `${OUTLOOK}/IMAP.AccessAsUser.All`;
const BOTH = [MAIL, IMAP];

let world: TokenWorld;
let tokens: ReturnType<TokenWorld['open']>;
beforeEach(async () => {
  world = await openTokenWorld();
  await world.stores.tenants.update(world.tenant, { ...world.tenant, catalog: 'microsoft' });
  tokens = world.open();
});
afterEach(() => world.close());

const connect = (connectionId = 'ada', user = ADA, changes: Partial<Connection> = {}) =>
  world.connect(connectionId, { user, scopes: BOTH, productScopes: BOTH, changes });
const get = (scope: string, connectionId = 'ada') => reasonOf(() => tokens.get(ask(connectionId, { scopes: [scope] })));
const verify = (connectionId = 'ada') =>
  tokens.verifyConnection({
    callerId: 'mail',
    tenantId: 'acme',
    connectionId,
    signal: () => new AbortController().signal,
  });
const statesOf = (connection: Connection) =>
  Object.fromEntries(resourcesOf(connection).map(({ resource, state }) => [resource, state]));
const fail = (code: number, more: object = {}) =>
  world.sandbox.injectFault({ kind: 'error', code, error: 'invalid_grant', resource: OUTLOOK, ...more });

test.each([
  [50076, 'REAUTHORIZATION_REQUIRED', 'REAUTHORIZATION_REQUIRED'],
  [50158, 'REAUTHORIZATION_REQUIRED', 'REAUTHORIZATION_REQUIRED'],
  [53003, 'BLOCKED', 'BLOCKED_BY_POLICY'],
  [53000, 'BLOCKED', 'BLOCKED_BY_POLICY'],
])("a policy on one resource (%i) leaves the connection's other resource in service", async (code, state, reason) => {
  const ada = await connect();
  expect(await get(MAIL)).toBe('OK');
  world.sandbox.requirePolicy(ADA, { code, resource: OUTLOOK });

  expect(await get(IMAP)).toBe(reason);

  const after = await world.find(ada.uid);
  expect([after.grantState, statesOf(after)]).toEqual(['ACTIVE', { [GRAPH]: 'ACTIVE', [OUTLOOK]: state }]);
  // From memory, and by a refresh.
  const asked = world.redemptions();
  expect((await tokens.get(ask('ada', { scopes: [MAIL] }))).source).toBe('CACHE');
  world.sandbox.clock.advance(2 * HOUR);
  expect((await tokens.get(ask('ada', { scopes: [MAIL] }))).source).toBe('ENTRA');
  // The refused resource is answered locally for a day, with its own reason.
  expect(await get(IMAP)).toBe(reason);
  expect(world.redemptions()).toBe(asked + 1);

  world.sandbox.liftPolicy(ADA);
  world.sandbox.clock.advance(DAY);
  expect(await get(IMAP)).toBe('OK');
  expect(statesOf(await world.find(ada.uid))).toEqual({ [GRAPH]: 'ACTIVE', [OUTLOOK]: 'ACTIVE' });
});

test('a refusal of one resource costs one request: the previous refresh token would not help', async () => {
  await connect();
  await get(MAIL);
  world.sandbox.requirePolicy(ADA, { code: 50076, resource: OUTLOOK });
  const asked = world.redemptions();

  await get(IMAP);

  expect(world.redemptions()).toBe(asked + 1);
});

test('a refusal of one resource names it and the next step', async () => {
  await connect();
  world.sandbox.requirePolicy(ADA, { code: 53003, resource: OUTLOOK });

  for (let i = 0; i < 2; i++) {
    await expect(async () => tokens.get(ask('ada', { scopes: [IMAP] }))).rejects.toMatchObject({
      reason: 'BLOCKED_BY_POLICY',
      message: expect.stringContaining(OUTLOOK),
      metadata: { resourceUri: OUTLOOK, entraError: expect.stringContaining('AADSTS53003') },
    });
  }
});

test('a connection without a served resource reports each reason, and recovers with one resource', async () => {
  const ada = await connect();
  fail(53003);
  fail(50076, { resource: GRAPH });
  expect([await get(IMAP), await get(MAIL)]).toEqual(['BLOCKED_BY_POLICY', 'REAUTHORIZATION_REQUIRED']);

  const asked = world.redemptions();
  expect([await get(IMAP), await get(MAIL)]).toEqual(['BLOCKED_BY_POLICY', 'REAUTHORIZATION_REQUIRED']);
  expect(world.redemptions()).toBe(asked);
  expect((await world.find(ada.uid)).grantState).toBe('REAUTHORIZATION_REQUIRED');

  world.sandbox.clock.advance(DAY);
  expect(await get(MAIL)).toBe('OK');
  const after = await world.find(ada.uid);
  expect([after.grantState, statesOf(after)]).toEqual(['ACTIVE', { [GRAPH]: 'ACTIVE', [OUTLOOK]: 'BLOCKED' }]);
});

test('a revoked grant is refused for all resources, and drops cached tokens', async () => {
  const ada = await connect();
  await get(MAIL);
  world.sandbox.revokeSessions(ADA);

  expect([await get(IMAP), await get(MAIL)]).toEqual(['REAUTHORIZATION_REQUIRED', 'REAUTHORIZATION_REQUIRED']);

  expect(statesOf(await world.find(ada.uid))).toEqual({
    [GRAPH]: 'REAUTHORIZATION_REQUIRED',
    [OUTLOOK]: 'REAUTHORIZATION_REQUIRED',
  });
});

test('after a restart, the stored token of a refused resource is not served, and that of the other one is', async () => {
  await connect();
  await get(MAIL);
  await get(IMAP);
  world.sandbox.requirePolicy(ADA, { code: 53003, resource: OUTLOOK });
  await reasonOf(() => tokens.get(ask('ada', { scopes: [IMAP], minTtl: 2 * HOUR })));
  expect(await get(IMAP)).toBe('BLOCKED_BY_POLICY');

  tokens = world.open();

  expect((await tokens.get(ask('ada', { scopes: [MAIL] }))).source).toBe('DATABASE');
  expect(await get(IMAP)).toBe('BLOCKED_BY_POLICY');
});

test('a retry of a refused resource calls Entra, and does not serve an older stored token', async () => {
  await connect();
  await get(IMAP);
  fail(65001, { suberror: 'consent_required', count: 100 });
  await reasonOf(() => tokens.get(ask('ada', { scopes: [IMAP], minTtl: 2 * HOUR })));

  world.sandbox.clock.advance(2 * MINUTE);

  expect(await get(IMAP)).toBe('CONSENT_REQUIRED');
});

test('missing consent is retried in growing pauses', async () => {
  const ada = await connect();
  fail(65001, { suberror: 'consent_required', count: 4 });

  expect(await get(IMAP)).toBe('CONSENT_REQUIRED');
  expect(await get(MAIL)).toBe('OK');
  expect(statesOf(await world.find(ada.uid))).toEqual({ [GRAPH]: 'ACTIVE', [OUTLOOK]: 'CONSENT_REQUIRED' });
  const asked = world.redemptions();
  await expect(async () => tokens.get(ask('ada', { scopes: [IMAP] }))).rejects.toThrow(/no longer, or not yet/);
  expect(world.redemptions()).toBe(asked);
  world.sandbox.clock.advance(MINUTE);
  expect(await get(IMAP)).toBe('CONSENT_REQUIRED');
  world.sandbox.clock.advance(3 * MINUTE);
  expect(await get(IMAP)).toBe('CONSENT_REQUIRED');
  expect(world.redemptions()).toBe(asked + 2);

  world.sandbox.clock.advance(MINUTE + 10 * SECOND);
  expect(await get(IMAP)).toBe('OK');
  expect((await world.find(ada.uid)).granted).toEqual({ [GRAPH]: [MAIL], [OUTLOOK]: ['IMAP.AccessAsUser.All'] });
});

test('a resource without consent at connecting is requested at the first call', async () => {
  const evidence = { reason: 'CONSENT_REQUIRED', entraError: undefined, correlationId: undefined, time: 1 } as const;
  const now = world.clock.now();
  const requested = ['IMAP.AccessAsUser.All'];
  await connect('ada', ADA, {
    granted: { [GRAPH]: [MAIL] },
    resourceIssues: { [OUTLOOK]: { state: 'CONSENT_REQUIRED', evidence, startTime: now, retryTime: now, requested } },
  });

  expect(await get(IMAP)).toBe('OK');

  expect(world.sandbox.requests().at(-1)?.scope).toContain(IMAP);
  expect(await get(`${OUTLOOK}/SMTP.Send`)).toBe('SCOPE_NOT_GRANTED');
});

test.each([70011, 650057, 700016])(
  'a second request that fails otherwise (%i) does not hide that consent is missing',
  async (code) => {
    const ada = await connect();
    await connect('bea', 'bea@contoso.example');
    fail(65001, { suberror: 'consent_required' });
    fail(code, { error: code === 70011 ? 'invalid_scope' : 'invalid_resource' });

    expect(await get(IMAP)).toBe('CONSENT_REQUIRED');
    expect((await world.find(ada.uid)).grantState).toBe('ACTIVE');
    // The second response depends on the registration: it changes no state.
    expect((await world.stores.apps.findByUid(world.app.uid))?.state).toBe('OK');
    expect(await get(IMAP, 'bea')).toBe('OK');
  },
);

test('an unknown refusal counts when repeated, for its resource alone; verifying clears it', async () => {
  const ada = await connect();
  fail(9_999_999, { count: 2 });

  expect(await get(IMAP)).toBe('ENTRA_UNAVAILABLE');
  expect(await get(MAIL)).toBe('OK');
  const asked = world.redemptions();
  expect(await get(IMAP)).toBe('ENTRA_UNAVAILABLE');
  expect(world.redemptions()).toBe(asked);
  world.sandbox.clock.advance(61 * SECOND);
  expect(await get(IMAP)).toBe('REAUTHORIZATION_REQUIRED');
  expect(await get(MAIL)).toBe('OK');

  expect(statesOf(await verify())).toEqual({ [GRAPH]: 'ACTIVE', [OUTLOOK]: 'ACTIVE' });
  expect((await world.find(ada.uid)).resourceIssues).toEqual({});
  expect(await get(IMAP)).toBe('OK');
});

test('a grant of another resource between two ambiguous refusals keeps the connection active', async () => {
  const ada = await connect();
  fail(70000, { count: 2 });

  expect(await get(IMAP)).toBe('ENTRA_UNAVAILABLE');
  world.sandbox.clock.advance(61 * SECOND);
  expect(await get(MAIL)).toBe('OK');
  expect(await get(IMAP)).toBe('ENTRA_UNAVAILABLE');

  expect((await world.find(ada.uid)).grantState).toBe('ACTIVE');
});

test('for a personal account, 70000 means missing consent if another resource is granted', async () => {
  const bob = await connect('bob', BOB);
  fail(70000, { user: BOB, count: 10 });

  expect(await get(IMAP, 'bob')).toBe('CONSENT_REQUIRED');
  world.sandbox.clock.advance(61 * SECOND);
  expect(await get(IMAP, 'bob')).toBe('CONSENT_REQUIRED');

  const after = await world.find(bob.uid);
  expect([after.grantState, after.firstSuspectTime]).toEqual(['ACTIVE', undefined]);
  expect(statesOf(after)).toEqual({ [GRAPH]: 'ACTIVE', [OUTLOOK]: 'CONSENT_REQUIRED' });
  // The token that proved the refresh token is kept.
  expect((await tokens.get(ask('bob', { scopes: [MAIL] }))).source).toBe('DATABASE');
});

test('for a personal account, 70000 on every resource counts when repeated', async () => {
  const bob = await connect('bob', BOB);
  world.sandbox.injectFault({ kind: 'error', code: 70000, user: BOB, count: 100 });

  expect(await get(IMAP, 'bob')).toBe('ENTRA_UNAVAILABLE');
  world.sandbox.clock.advance(61 * SECOND);
  expect(await get(IMAP, 'bob')).toBe('REAUTHORIZATION_REQUIRED');
  expect((await world.find(bob.uid)).grantState).toBe('REAUTHORIZATION_REQUIRED');
});

const CLAIMS = '{"access_token":{"nbf":{"essential":true,"value":"1"}}}';

test.each([
  ['caller', 50117, 'invalid_request', 'FIELD_INVALID'],
  ['vault_fault', 90013, 'invalid_request', 'FIELD_INVALID'],
  ['blocked', 53003, 'invalid_grant', 'BLOCKED_BY_POLICY'],
  ['ambiguous', 9_999_999, 'invalid_grant', 'ENTRA_UNAVAILABLE'],
])('claims that Entra refuses (%s) concern only the caller that brings them', async (_, code, error, reason) => {
  const ada = await connect();
  fail(code, { error });

  const asked = async () => tokens.get(ask('ada', { scopes: [IMAP], claims: CLAIMS }));
  await expect(asked).rejects.toMatchObject({
    reason,
    ...(reason === 'FIELD_INVALID' ? { metadata: { field: 'claims' } } : {}),
  });

  expect(await get(IMAP)).toBe('OK');
  expect(tokens.counted.get('alert/vault_fault')).toBeUndefined();
  expect(await world.find(ada.uid)).toMatchObject({ grantState: 'ACTIVE', resourceIssues: {} });
});

test('with claims refused and the request without them, too, the caller gets the first refusal', async () => {
  const ada = await connect();
  fail(50076);
  fail(53003);

  expect(await reasonOf(() => tokens.get(ask('ada', { scopes: [IMAP], claims: CLAIMS })))).toBe(
    'REAUTHORIZATION_REQUIRED',
  );

  expect(statesOf(await world.find(ada.uid))[OUTLOOK]).toBe('BLOCKED');
  expect(await get(MAIL)).toBe('OK');
});

test('keep-alive redeems a sound grant: served resources first, then refused ones', async () => {
  const ada = await connect();
  world.sandbox.requirePolicy(ADA, { code: 53003 });
  await get(IMAP);
  await get(MAIL);
  expect((await world.find(ada.uid)).grantState).toBe('BLOCKED');
  const asked = world.redemptions();
  world.sandbox.clock.advance(31 * DAY);
  world.timers.tick();
  await eventually(() => tokens.counted.get('keptAlive/failed')).toBe(1);
  expect(world.redemptions()).toBe(asked + 2);
  await eventually(() => world.stores.connections.dueForKeepAlive(world.clock.now(), 10)).toEqual([]);

  // Not before a day has passed, and then one of them is enough.
  world.sandbox.liftPolicy(ADA);
  world.sandbox.requirePolicy(ADA, { code: 53003, resource: GRAPH });
  world.sandbox.clock.advance(2 * DAY);
  world.timers.tick();
  await eventually(() => tokens.counted.get('keptAlive/ok')).toBe(1);

  expect(statesOf(await world.find(ada.uid))).toEqual({ [GRAPH]: 'BLOCKED', [OUTLOOK]: 'ACTIVE' });
});
