import { afterEach, beforeEach, expect, test } from 'vitest';
import { SECOND } from '../../src/model/clock.ts';
import type { Connection } from '../../src/model/connection.ts';
import { resourcesOf } from '../../src/model/connection_resource_states.ts';
import { createContainedSet } from '../../src/model/contained_set.ts';
import { ask, GRAPH, OUTLOOK, openTokenWorld, reasonOf, type TokenWorld } from './token_world.ts';

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
const verify = (connectionId = 'ada') => tokens.verifyConnection(ask(connectionId));
const later = () => world.sandbox.clock.advance(31 * SECOND);
const statesOf = (connection: Connection) =>
  Object.fromEntries(resourcesOf(connection).map(({ resource, state }) => [resource, state]));

test('verifying redeems now, and a refusal that changes the state is the answer', async () => {
  const ada = await connect();
  await get(MAIL);

  expect(await verify()).toMatchObject({ uid: ada.uid, grantState: 'ACTIVE' });
  expect(world.redemptions()).toBe(2);

  later();
  world.sandbox.injectFault({ kind: 'error', code: 50057 });
  expect(await verify()).toMatchObject({ grantState: 'BLOCKED' });
  later();
  expect(await verify()).toMatchObject({ grantState: 'ACTIVE' });

  later();
  world.sandbox.revokeSessions(ADA);
  expect(await verify()).toMatchObject({ grantState: 'REAUTHORIZATION_REQUIRED' });
  const asked = world.redemptions();
  expect(await verify()).toMatchObject({ grantState: 'REAUTHORIZATION_REQUIRED' });
  expect(world.redemptions()).toBe(asked);
});

test('verifying fails while Entra is unavailable, and changes no state', async () => {
  const ada = await connect();
  world.sandbox.injectFault({ kind: 'html', count: 10 });

  expect(await reasonOf(() => verify())).toBe('ENTRA_UNAVAILABLE');
  expect((await world.find(ada.uid)).grantState).toBe('ACTIVE');
});

test.each([50057, 53003])('an old refusal (%i) is no answer while Entra is unavailable', async (code) => {
  await connect();
  world.sandbox.injectFault({ kind: 'error', code, resource: GRAPH });
  await get(MAIL);
  world.sandbox.injectFault({ kind: 'html', count: 10 });

  expect(await reasonOf(() => verify())).toBe('ENTRA_UNAVAILABLE');

  world.sandbox.clearFaults();
  later();
  expect(statesOf(await verify())).toEqual({ [GRAPH]: 'ACTIVE', [OUTLOOK]: 'ACTIVE' });
});

test('a refused resource is verified although Entra does not answer for another one', async () => {
  await connect();
  world.sandbox.requirePolicy(ADA, { code: 53003 });
  await get(MAIL);
  await get(IMAP);
  world.sandbox.liftPolicy(ADA);
  world.sandbox.injectFault({ kind: 'html', resource: GRAPH, count: 10 });

  expect(await reasonOf(() => verify())).toBe('ENTRA_UNAVAILABLE');
  expect(await get(IMAP)).toBe('OK');
  expect(await get(MAIL)).toBe('BLOCKED_BY_POLICY');
});

test('a suspended connection is not redeemed', async () => {
  const ada = await connect();
  await world.stores.connections.setSuspended(ada, world.clock.now(), world.clock.now());

  expect(await reasonOf(() => verify())).toBe('CONNECTION_SUSPENDED');
  expect(world.redemptions()).toBe(0);
});

test('a connection that Entra refused for good is refused while it is suspended or contained', async () => {
  const contained = createContainedSet();
  tokens = world.open({ contained });
  const ada = await connect('ada', ADA, { grantState: 'REAUTHORIZATION_REQUIRED' });
  expect(await verify()).toMatchObject({ grantState: 'REAUTHORIZATION_REQUIRED' });

  await world.stores.connections.setSuspended(ada, world.clock.now(), world.clock.now());
  expect(await reasonOf(() => verify())).toBe('CONNECTION_SUSPENDED');
  contained.addStored({ subject: 'tenants/acme', reason: 'Leaked', caller: 'ops', createTime: 0 });
  expect(await reasonOf(() => verify())).toBe('CONTAINED');
});

test('a caller that gives up does not wait for Entra', async () => {
  await connect();
  const gate = world.sandbox.holdNextToken();
  const leaving = new AbortController();
  const call = reasonOf(() => tokens.verifyConnection(ask('ada', { signal: () => leaving.signal })));
  await gate.arrived;

  leaving.abort();

  expect(await call).toBe('ENTRA_UNAVAILABLE');
  gate.release();
});

test('a caller verifies at most 32 connections at once; another caller is served', async () => {
  const ada = await connect();
  const { find } = world.stores.tenants;
  const gate = Promise.withResolvers<void>();
  Object.assign(world.stores.tenants, {
    async find(tenantId: string) {
      await gate.promise;
      return find(tenantId);
    },
  });
  const unknown = ask('nobody');
  const calls = Array.from({ length: 32 }, () => reasonOf(() => tokens.verifyConnection(unknown)));

  expect(await reasonOf(() => tokens.verifyConnection(unknown))).toBe('OVERLOADED');
  const other = tokens.verifyConnection(ask('ada', { callerId: 'other' }));
  gate.resolve();
  expect(await other).toMatchObject({ uid: ada.uid });
  expect(new Set(await Promise.all(calls))).toEqual(new Set(['CONNECTION_NOT_FOUND']));
});

test('verifying redeems a grant after two ambiguous refusals, but not a revoked one', async () => {
  await connect();
  await connect('bea', 'bea@contoso.example');
  world.sandbox.injectFault({ kind: 'error', code: 70000, user: ADA, count: 2 });
  await get(MAIL);
  world.sandbox.clock.advance(61 * SECOND);
  expect(await get(MAIL)).toBe('REAUTHORIZATION_REQUIRED');
  world.sandbox.revokeSessions('bea@contoso.example');
  expect(await get(MAIL, 'bea')).toBe('REAUTHORIZATION_REQUIRED');
  const asked = world.redemptions();

  expect((await verify('bea')).grantState).toBe('REAUTHORIZATION_REQUIRED');
  expect(world.redemptions()).toBe(asked);
  expect((await verify()).grantState).toBe('ACTIVE');
  expect(await get(MAIL)).toBe('OK');
});

test('verifying redeems for every refused resource, and once for a sound connection', async () => {
  await connect();
  world.sandbox.requirePolicy(ADA, { code: 53003 });
  expect([await get(IMAP), await get(MAIL)]).toEqual(['BLOCKED_BY_POLICY', 'BLOCKED_BY_POLICY']);
  expect((await verify()).grantState).toBe('BLOCKED');
  world.sandbox.liftPolicy(ADA);
  later();

  const asked = world.redemptions();
  expect(statesOf(await verify())).toEqual({ [GRAPH]: 'ACTIVE', [OUTLOOK]: 'ACTIVE' });
  expect(world.redemptions()).toBe(asked + 2);
  later();
  await verify();
  expect(world.redemptions()).toBe(asked + 3);
});

test('a connection that is verified too often is not reported as blocked by an old refusal', async () => {
  await connect();
  world.sandbox.injectFault({ kind: 'error', code: 50057 });
  expect(await verify()).toMatchObject({ grantState: 'BLOCKED' });

  expect(await reasonOf(() => verify())).toBe('RATE_LIMITED');
  later();
  expect(await verify()).toMatchObject({ grantState: 'ACTIVE' });
});
