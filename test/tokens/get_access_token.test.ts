import { afterEach, beforeEach, expect, test } from 'vitest';
import { DAY, HOUR, MINUTE, SECOND } from '../../src/model/clock.ts';
import type { Account } from '../../src/model/connection.ts';
import { VaultError } from '../../src/model/errors.ts';
import { newUid } from '../../src/model/id_patterns.ts';
import { Secret } from '../../src/model/secret.ts';
import type { Tenant } from '../../src/model/tenant.ts';
import {
  ask,
  createStoppedClock,
  eventually,
  GRAPH,
  OUTLOOK,
  openTokenWorld,
  reasonOf,
  type TokenWorld,
} from './token_world.ts';

let world: TokenWorld;
beforeEach(async () => {
  world = await openTokenWorld();
});
afterEach(() => world.close());

const times = <T>(count: number, work: () => T): T[] => Array.from({ length: count }, work);

test('calls Entra once when many callers request the same token', async () => {
  const ada = await world.connect('ada');
  const tokens = world.open();

  const answers = await Promise.all(times(200, () => tokens.get(ask('ada'))));

  expect(new Set(answers.map(({ accessToken }) => accessToken.token.reveal())).size).toBe(1);
  expect(world.redemptions()).toBe(1);
  const { directoryId, objectId: userId } = ada.account ?? {};
  expect(answers[0]).toMatchObject({ source: 'ENTRA', connectionUid: ada.uid, subject: { directoryId, userId } });
});

test('a hit is no promise, and always the same object', async () => {
  await world.connect('ada');
  const tokens = world.open();
  await tokens.get(ask('ada'));

  const hit = tokens.get(ask('ada'));

  expect(hit).not.toBeInstanceOf(Promise);
  expect(hit).toMatchObject({ source: 'CACHE' });
  expect(tokens.get(ask('ada', { signal: () => expect.unreachable('nobody waits') }))).toBe(hit);
});

test('one token of a resource serves every scope that the grant covers', async () => {
  await world.connect('ada', { scopes: ['Mail.ReadWrite', 'Calendars.Read'] });
  const tokens = world.open();

  const first = await tokens.get(ask('ada', { scopes: ['Mail.ReadOnly'] }));
  const second = await tokens.get(ask('ada', { scopes: ['Calendar.ReadOnly'] }));

  expect(second.accessToken.token).toBe(first.accessToken.token);
  expect(first.accessToken.permissions).toEqual(expect.arrayContaining(['Calendars.Read', 'Mail.ReadWrite']));
  expect(world.redemptions()).toBe(1);
});

test('one grant yields a token for each of its resources', async () => {
  const scopes = ['Mail.Read', `${OUTLOOK}/IMAP.AccessAsUser.All`];
  await world.connect('ada', { scopes, productScopes: scopes, changes: {} });
  await world.stores.tenants.update(world.tenant, { ...world.tenant, catalog: 'microsoft' });
  const tokens = world.open();

  const [graph, outlook] = await Promise.all([
    tokens.get(ask('ada', { scopes: ['Mail.Read'] })),
    tokens.get(ask('ada', { scopes: [`${OUTLOOK}/IMAP.AccessAsUser.All`] })),
  ]);

  expect(graph.accessToken.resource).toBe(GRAPH);
  expect(outlook.accessToken.resource).toBe(OUTLOOK);
  expect(world.redemptions()).toBe(2);
});

test.each(['https://graph.microsoft.com/.default', '00000003-0000-0000-c000-000000000000/.default'])(
  '%s is the token of that resource, whatever the grant contains',
  async (scope) => {
    await world.connect('ada');
    const tokens = world.open();
    const usual = await tokens.get(ask('ada'));

    expect((await tokens.get(ask('ada', { scopes: [scope] }))).accessToken.token).toBe(usual.accessToken.token);
    expect(world.redemptions()).toBe(1);
  },
);

test('X/.default of a resource without a grant is refused', async () => {
  await world.connect('ada');
  const tokens = world.open();

  expect(await reasonOf(() => tokens.get(ask('ada', { scopes: [`${OUTLOOK}/.default`] })))).toBe('SCOPE_NOT_GRANTED');
});

test('a connection is served for a resource with a trailing slash', async () => {
  const resource = 'https://database.windows.net/';
  const scopes = [`${resource}/user_impersonation`];
  world.sandbox.addResource(resource, ['user_impersonation']);
  await world.connect('ada', { scopes, changes: { granted: { [resource]: ['user_impersonation'] } } });
  await world.stores.tenants.update(world.tenant, { ...world.tenant, catalog: 'microsoft' });
  const tokens = world.open();

  const { accessToken } = await tokens.get(ask('ada', { scopes }));

  expect(accessToken).toMatchObject({ resource, permissions: ['user_impersonation'] });
  expect(world.sandbox.requests().at(-1)?.scope?.split(' ')).toContain(scopes[0]);
  expect((await tokens.get(ask('ada', { scopes: [`${resource}/.default`] }))).accessToken.token).toBe(
    accessToken.token,
  );
});

test('a resource without known permissions is requested by .default', async () => {
  const scopes = ['Mail.Read', `${OUTLOOK}/IMAP.AccessAsUser.All`];
  await world.connect('ada', { scopes, changes: { granted: { [GRAPH]: ['Mail.Read'], [OUTLOOK]: [] } } });
  const tokens = world.open();

  const { accessToken } = await tokens.get(ask('ada', { scopes: [`${OUTLOOK}/.default`] }));

  expect(accessToken).toMatchObject({ resource: OUTLOOK, permissions: ['IMAP.AccessAsUser.All'] });
});

test('stores the rotated refresh token before it answers, and keeps the previous one', async () => {
  const ada = await world.connect('ada');
  const tokens = world.open();

  await tokens.get(ask('ada'));

  const held = await world.stores.grants.lease(ada.uid, { owner: 'test', resource: GRAPH, duration: SECOND });
  const issued = world.sandbox.requests().at(-1);
  expect(world.sandbox.describeRefreshToken(held?.refreshToken?.reveal() ?? '')?.id).toBe(issued?.issuedRefreshTokenId);
  const before = world.sandbox.describeRefreshToken(held?.previousRefreshToken()?.token.reveal() ?? '');
  expect(before?.id).toBe(issued?.presentedRefreshTokenId);
  expect(held?.accessToken).toBeDefined();
});

test('a stored token is served after a restart without a request to Entra', async () => {
  await world.connect('ada');
  await world.open().get(ask('ada'));

  const again = await world.open().get(ask('ada'));

  expect(again.source).toBe('DATABASE');
  expect(world.redemptions()).toBe(1);
});

test('two replicas make one exchange between them', async () => {
  await world.connect('ada');
  const [one, other] = [world.open(), world.open()];

  const answers = await Promise.all([one.get(ask('ada')), other.get(ask('ada'))]);

  expect(answers.map(({ source }) => source).sort()).toEqual(['DATABASE', 'ENTRA']);
  expect(world.redemptions()).toBe(1);
});

test('refreshes expired tokens, and never serves one that is valid for less than min_ttl', async () => {
  await world.connect('ada');
  const tokens = world.open();
  const first = await tokens.get(ask('ada'));

  world.sandbox.clock.advance(56 * MINUTE);
  const second = await tokens.get(ask('ada', { minTtl: 5 * MINUTE }));

  expect(second.source).toBe('ENTRA');
  expect(second.accessToken.expireTime).toBeGreaterThan(first.accessToken.expireTime);
});

test('a new token with too short a lifetime causes no further exchange', async () => {
  world.sandbox.settings.accessTokenLifetime = 120;
  await world.connect('ada');
  const tokens = world.open();

  expect(await reasonOf(() => tokens.get(ask('ada', { minTtl: 5 * MINUTE })))).toBe('TTL_UNATTAINABLE');
  expect(await reasonOf(() => tokens.get(ask('ada', { minTtl: 5 * MINUTE })))).toBe('TTL_UNATTAINABLE');
  expect((await tokens.get(ask('ada'))).source).toBe('CACHE');
  expect(world.redemptions()).toBe(1);

  // Entra's configuration may have changed in the meantime.
  world.sandbox.settings.accessTokenLifetime = 3600;
  world.sandbox.clock.advance(31 * SECOND);
  expect((await tokens.get(ask('ada', { minTtl: 5 * MINUTE }))).source).toBe('ENTRA');
});

test('a caller that gives up does not cancel the record', async () => {
  await world.connect('ada');
  const tokens = world.open();
  const gate = world.sandbox.holdNextToken();
  const leaving = new AbortController();

  const call = reasonOf(() => tokens.get(ask('ada', { signal: () => leaving.signal })));
  await gate.arrived;
  leaving.abort();
  expect(await call).toBe('ENTRA_UNAVAILABLE');
  gate.release();
  await tokens.close();

  expect((await world.open().get(ask('ada'))).source).toBe('DATABASE');
  expect(world.redemptions()).toBe(1);
});

test('what was not granted is refused locally and named', async () => {
  await world.connect('ada');
  const tokens = world.open();

  await expect(async () => tokens.get(ask('ada', { scopes: ['Mail.Send'] }))).rejects.toMatchObject({
    reason: 'SCOPE_NOT_GRANTED',
    metadata: { resource: 'tenants/acme/connections/ada', missing: `${GRAPH}/Mail.Send` },
  });
  expect(await reasonOf(() => tokens.get(ask('ada', { scopes: ['Mail.Sned'] })))).toBe('SCOPE_UNKNOWN');
  expect(await reasonOf(() => tokens.get(ask('nobody')))).toBe('CONNECTION_NOT_FOUND');
  expect(await reasonOf(() => tokens.get(ask('ada', { tenantId: 'nowhere' })))).toBe('TENANT_NOT_FOUND');
  expect(world.redemptions()).toBe(0);
});

test('no scopes mean those of the connection', async () => {
  await world.connect('ada');

  const { accessToken } = await world.open().get(ask('ada', { scopes: [] }));

  expect(accessToken.resource).toBe(GRAPH);
});

test('a revoked grant costs one request; ten thousand calls are answered from memory', async () => {
  const ada = await world.connect('ada');
  world.sandbox.revokeSessions('ada@contoso.example');
  let reads = 0;
  const stores = {
    ...world.stores,
    connections: {
      ...world.stores.connections,
      find: (...named: Parameters<typeof world.stores.connections.find>) => {
        reads++;
        return world.stores.connections.find(...named);
      },
    },
  };
  const tokens = world.open({ stores });

  await expect(async () => tokens.get(ask('ada'))).rejects.toMatchObject({
    reason: 'REAUTHORIZATION_REQUIRED',
    metadata: { nextStep: 'StartAuthorization', entraError: 'invalid_grant/AADSTS50173' },
  });
  const asked = world.redemptions();
  for (let i = 0; i < 10_000; i++) expect(() => tokens.get(ask('ada'))).toThrow(VaultError);

  expect(world.redemptions()).toBe(asked);
  expect(reads).toBe(1);
  expect(await world.find(ada.uid)).toMatchObject({
    grantState: 'REAUTHORIZATION_REQUIRED',
    stateReason: { reason: 'REAUTHORIZATION_REQUIRED', entraError: 'invalid_grant/AADSTS50173' },
  });
});

test('a connection is served again when its refresh token changes', async () => {
  const ada = await world.connect('ada');
  world.sandbox.revokeSessions('ada@contoso.example');
  const tokens = world.open();
  await reasonOf(() => tokens.get(ask('ada')));

  const marked = await world.find(ada.uid);
  const token = world.sandbox.issueRefreshToken({
    clientId: world.app.clientId,
    userObjectId: 'ada@contoso.example',
    scopes: ['Mail.Read', 'offline_access'],
  });
  const granted = { ...marked, grantState: 'ACTIVE' as const, stateReason: undefined };
  await world.stores.connections.replaceGrant(marked, granted, new Secret(token));
  world.changes.announce({ kind: 'connection', uid: ada.uid });

  expect((await tokens.get(ask('ada'))).source).toBe('ENTRA');
});

test('during an outage tokens are served from memory, and no state changes', async () => {
  const ada = await world.connect('ada');
  const tokens = world.open();
  await tokens.get(ask('ada'));
  world.sandbox.injectFault({ kind: 'html', count: 1000 });
  world.sandbox.clock.advance(54 * MINUTE);

  for (let i = 0; i < 50; i++) expect(await tokens.get(ask('ada'))).toMatchObject({ source: 'CACHE' });
  await tokens.close();
  world.sandbox.clock.advance(HOUR);

  expect(await reasonOf(() => tokens.get(ask('ada')))).toBe('ENTRA_UNAVAILABLE');
  expect((await world.find(ada.uid)).grantState).toBe('ACTIVE');
});

test('refresh ahead replaces a token in use while the old one is served', async () => {
  await world.connect('ada');
  const tokens = world.open();
  const first = await tokens.get(ask('ada'));
  world.sandbox.clock.advance(55 * MINUTE);

  const meanwhile = tokens.get(ask('ada'));
  expect(meanwhile).toMatchObject({ source: 'CACHE', accessToken: first.accessToken });
  await eventually(() => tokens.counted.get('refreshLag')).toBe(1);

  const after = await tokens.get(ask('ada'));
  expect(after.source).toBe('CACHE');
  expect(after.accessToken).not.toBe(first.accessToken);
  expect(world.redemptions()).toBe(2);
});

test('a refresh ahead that fails pauses before the next attempt', async () => {
  await world.connect('ada');
  const tokens = world.open();
  await tokens.get(ask('ada'));
  world.sandbox.clock.advance(54 * MINUTE);
  world.sandbox.injectFault({ kind: 'error', code: 90033, count: 1000 });

  await tokens.get(ask('ada'));
  await eventually(() => tokens.counted.get('refreshAheadFailed/ENTRA_UNAVAILABLE')).toBe(1);
  const asked = world.redemptions();
  for (let i = 0; i < 100; i++) await tokens.get(ask('ada'));
  await tokens.close();

  expect(world.redemptions()).toBe(asked);
});

test('a token that Entra wants replaced at once is used for a while first', async () => {
  world.sandbox.settings.accessTokenLifetime = 95;
  await world.connect('ada');
  const tokens = world.open();
  await tokens.get(ask('ada', { minTtl: 0 }));

  // 80 % of its lifetime have passed after 65 s, when it has hardly any time left.
  world.sandbox.clock.advance(25 * SECOND);
  for (let i = 0; i < 100; i++) await tokens.get(ask('ada', { minTtl: 0 }));
  await tokens.close();

  expect(world.redemptions()).toBe(1);
});

test('a clock that jumps ahead costs one refresh, and one that jumps back none', async () => {
  await world.connect('ada');
  const tokens = world.open();
  await tokens.get(ask('ada'));

  world.sandbox.clock.advance(40 * DAY);
  expect((await tokens.get(ask('ada'))).source).toBe('ENTRA');
  const clock = { now: () => world.clock.now() - 2 * HOUR };
  const behind = world.open({ clock });
  expect((await behind.get(ask('ada'))).source).toBe('DATABASE');

  expect(world.redemptions()).toBe(2);
});

test('an app that is no longer shared serves no connection of another tenant', async () => {
  const other = { ...world.tenant, uid: newUid(), tenantId: 'other' };
  await world.stores.tenants.register({ tenant: other, app: appOf(other), credential: undefined });
  let app = await world.stores.apps.update(world.app, { ...world.app, sharedWith: ['other'] });
  await world.connect('ada', { changes: { tenantUid: other.uid, tenantId: 'other' } });
  const tokens = world.open();
  expect((await tokens.get(ask('ada', { tenantId: 'other' }))).source).toBe('ENTRA');

  app = await world.stores.apps.update(app, { ...app, sharedWith: [] });
  world.changes.announce({ kind: 'app', uid: app.uid });

  expect(await reasonOf(() => tokens.get(ask('ada', { tenantId: 'other' })))).toBe('APP_SUSPENDED');
});

test('an exchange through a shared app counts against the tenant of the connection', async () => {
  const other = { ...world.tenant, uid: newUid(), tenantId: 'other' };
  await world.stores.tenants.register({ tenant: other, app: appOf(other), credential: undefined });
  await world.stores.apps.update(world.app, { ...world.app, sharedWith: ['other'] });
  await world.connect('ada', { changes: { tenantUid: other.uid, tenantId: 'other' } });
  const admitted: (string | undefined)[] = [];
  const authorizationServer: Pick<typeof world.authorizationServer, 'admit'> = {
    admit(request) {
      admitted.push(request.tenantUid);
      return world.authorizationServer.admit(request);
    },
  };

  await world.open({ authorizationServer }).get(ask('ada', { tenantId: 'other' }));

  expect(admitted).toEqual([other.uid]);
});

const appOf = (tenant: Tenant) => ({ ...world.app, uid: newUid(), tenantUid: tenant.uid, tenantId: tenant.tenantId });

/** The vault's clock, and monotonic time. */
function createSettableClock() {
  let monotonic = 0;
  return {
    clock: { now: () => world.clock.now(), monotonic: () => monotonic },
    set: (step: number) => world.sandbox.clock.advance(step),
    pass(duration: number) {
      monotonic += duration;
      world.sandbox.clock.advance(duration);
    },
  };
}

test('a clock that is set back prolongs no token, in memory or in the database', async () => {
  await world.connect('ada');
  const { clock, set, pass } = createSettableClock();
  const tokens = world.open({ clock });
  set(2 * HOUR);
  await tokens.get(ask('ada'));
  set(-2 * HOUR);

  pass(30 * MINUTE);
  const { accessToken, source } = await tokens.get(ask('ada'));
  expect([source, accessToken.expireTime <= clock.now() + 30 * MINUTE]).toEqual(['CACHE', true]);

  pass(31 * MINUTE);
  world.timers.tick();
  expect((await tokens.get(ask('ada'))).source).toBe('ENTRA');
  expect(world.redemptions()).toBe(2);
});

test('a token is replaced before its expiry, also after the clock was set back', async () => {
  await world.connect('ada');
  const { clock, set, pass } = createSettableClock();
  const tokens = world.open({ clock });
  set(2 * HOUR);
  await tokens.get(ask('ada'));
  set(-2 * HOUR);

  pass(55 * MINUTE);
  expect((await tokens.get(ask('ada'))).source).toBe('CACHE');
  await eventually(() => tokens.counted.get('refreshLag')).toBe(1);
  pass(10 * MINUTE);

  expect((await tokens.get(ask('ada'))).source).toBe('CACHE');
  expect(world.redemptions()).toBe(2);
});

test('a clock that is set back by little, or ahead, costs no refresh', async () => {
  await world.connect('ada');
  const { clock, set, pass } = createSettableClock();
  const tokens = world.open({ clock });
  const first = await tokens.get(ask('ada'));
  for (const step of [-3 * SECOND, 10 * MINUTE, -9 * MINUTE]) {
    set(step);
    pass(MINUTE);
    const { accessToken } = await tokens.get(ask('ada'));
    expect(accessToken.token).toBe(first.accessToken.token);
  }
  expect(world.redemptions()).toBe(1);
});

test('two replicas that refresh ahead make one exchange between them', async () => {
  await world.connect('ada');
  const [one, other] = [world.open(), world.open()];
  await one.get(ask('ada'));
  await other.get(ask('ada'));
  world.sandbox.clock.advance(55 * MINUTE);

  one.get(ask('ada'));
  other.get(ask('ada'));
  await eventually(() => one.counted.get('refreshLag')).toBe(1);
  await eventually(() => other.counted.get('refreshLag')).toBe(1);

  expect(world.redemptions()).toBe(2);
});

test('a challenge forces one refresh a minute, shared by all callers with it', async () => {
  await world.connect('ada');
  const tokens = world.open();
  const first = await tokens.get(ask('ada'));
  const claims = '{"access_token":{"nbf":{"essential":true,"value":"1700000000"}}}';

  const answers = await Promise.all(times(20, () => tokens.get(ask('ada', { claims }))));
  const later = await tokens.get(ask('ada', { claims }));

  expect(world.redemptions()).toBe(2);
  expect(answers.every(({ accessToken }) => accessToken !== first.accessToken)).toBe(true);
  expect(later).toMatchObject({ source: 'CACHE', accessToken: answers[0]?.accessToken });

  world.sandbox.clock.advance(61 * SECOND);
  await tokens.get(ask('ada', { claims }));
  expect(world.redemptions()).toBe(3);
});

test('only the caller with a challenge gets its refusal; the connection serves the others', async () => {
  const ada = await world.connect('ada');
  const tokens = world.open();
  await tokens.get(ask('ada'));
  const claims = '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}';
  world.sandbox.injectFault({ kind: 'error', code: 50076 });

  const reasons = await Promise.all(times(5, () => reasonOf(() => tokens.get(ask('ada', { claims })))));

  expect(new Set(reasons)).toEqual(new Set(['REAUTHORIZATION_REQUIRED']));
  expect(await world.find(ada.uid)).toMatchObject({ grantState: 'ACTIVE', stateReason: undefined });
  expect(await reasonOf(() => tokens.get(ask('ada')))).toBe('OK');
  // Requested with the challenge, and without; then remembered.
  expect(world.redemptions()).toBe(3);
  expect(await reasonOf(() => tokens.get(ask('ada', { claims })))).toBe('REAUTHORIZATION_REQUIRED');
  expect(world.redemptions()).toBe(3);

  // The user signed in again.
  world.changes.announce({ kind: 'connection', uid: ada.uid });
  world.sandbox.clock.advance(31 * SECOND);
  expect((await tokens.get(ask('ada', { claims }))).source).toBe('ENTRA');
});

test('a grant that is refused with and without the challenge changes its state', async () => {
  const ada = await world.connect('ada');
  const tokens = world.open();
  await tokens.get(ask('ada'));
  world.sandbox.revokeSessions('ada@contoso.example');
  const claims = '{"access_token":{"nbf":{"essential":true,"value":"1700000000"}}}';

  expect(await reasonOf(() => tokens.get(ask('ada', { claims })))).toBe('REAUTHORIZATION_REQUIRED');

  expect((await world.find(ada.uid)).grantState).toBe('REAUTHORIZATION_REQUIRED');
});

test('a token that its resource refused is replaced once, for all', async () => {
  await world.connect('ada');
  const tokens = world.open();
  const first = await tokens.get(ask('ada'));
  const rejectedTokenSha256 = first.accessToken.token.sha256();

  const answers = await Promise.all(times(20, () => tokens.get(ask('ada', { rejectedTokenSha256 }))));
  const later = await tokens.get(ask('ada', { rejectedTokenSha256: rejectedTokenSha256.toUpperCase() }));

  expect(world.redemptions()).toBe(2);
  expect(new Set(answers.map(({ accessToken }) => accessToken)).size).toBe(1);
  expect(later).toMatchObject({ source: 'CACHE' });
});

test('a resource that refuses every token does not make a loop of exchanges', async () => {
  await world.connect('ada');
  const tokens = world.open();
  let { accessToken } = await tokens.get(ask('ada'));
  accessToken = (await tokens.get(ask('ada', { rejectedTokenSha256: accessToken.token.sha256() }))).accessToken;
  const again = ask('ada', { rejectedTokenSha256: accessToken.token.sha256() });

  expect(await reasonOf(() => tokens.get(again))).toBe('RATE_LIMITED');
  expect(world.redemptions()).toBe(2);
  world.sandbox.clock.advance(31 * SECOND);
  expect((await tokens.get(again)).source).toBe('ENTRA');
});

/** A challenge of a resource, different at each call. */
const challengeOf = (value: number) => `{"access_token":{"nbf":{"essential":true,"value":"${value}"}}}`;

test('challenges that differ at each call force one exchange in 30 s, and stop no other caller', async () => {
  await world.connect('ada');
  await world.connect('bea', { user: 'bea@contoso.example' });
  const tokens = world.open();
  await tokens.get(ask('ada'));
  await tokens.get(ask('bea'));
  const before = world.redemptions();

  const reasons = await Promise.all(
    [...Array(20).keys()].map((i) => reasonOf(() => tokens.get(ask('ada', { claims: challengeOf(i) })))),
  );
  expect(reasons.filter((reason) => reason !== 'RATE_LIMITED')).toEqual(['OK']);
  expect(world.redemptions()).toBe(before + 1);

  expect((await tokens.get(ask('ada'))).source).toBe('CACHE');
  expect((await tokens.get(ask('bea', { claims: challengeOf(1) }))).source).toBe('ENTRA');
  world.sandbox.clock.advance(31 * SECOND);
  expect((await tokens.get(ask('ada', { claims: challengeOf(99) }))).source).toBe('ENTRA');
});

test('a connection has one forced exchange in 30 s, whatever forces it', async () => {
  await world.connect('ada');
  const tokens = world.open();
  const { accessToken } = await tokens.get(ask('ada'));
  const forces = {
    verify: () => tokens.verifyConnection({ ...ask('ada') }),
    claims: (round: number) => tokens.get(ask('ada', { claims: challengeOf(round) })),
    rejected: () => tokens.get(ask('ada', { rejectedTokenSha256: newest.token.sha256() })),
  };
  let newest = accessToken;

  for (const [round, first] of (['verify', 'claims', 'rejected'] as const).entries()) {
    world.sandbox.clock.advance(31 * SECOND);
    await forces[first](round);
    const before = world.redemptions();
    newest = (await tokens.get(ask('ada'))).accessToken;
    for (const force of Object.values(forces)) {
      await expect(async () => force(100 + round)).rejects.toMatchObject({
        reason: 'RATE_LIMITED',
        retryAfter: expect.any(Number),
      });
    }
    expect(world.redemptions()).toBe(before);
  }
});

test('suspensions take effect at once, each with its reason', async () => {
  const ada = await world.connect('ada');
  const tokens = world.open();
  await tokens.get(ask('ada'));

  const suspended = await world.stores.connections.setSuspended(ada, world.clock.now(), world.clock.now());
  world.changes.announce({ kind: 'connection', uid: ada.uid });
  expect(await reasonOf(() => tokens.get(ask('ada')))).toBe('CONNECTION_SUSPENDED');
  await world.stores.connections.setSuspended(suspended, undefined, world.clock.now());
  world.changes.announce({ kind: 'connection', uid: ada.uid });
  expect((await tokens.get(ask('ada'))).source).toBe('ENTRA');

  await world.stores.apps.update(world.app, { ...world.app, suspended: true });
  world.changes.announce({ kind: 'app', uid: world.app.uid });
  expect(await reasonOf(() => tokens.get(ask('ada')))).toBe('APP_SUSPENDED');

  await world.stores.tenants.update(world.tenant, { ...world.tenant, state: 'SUSPENDED' });
  world.changes.announce({ kind: 'tenant', uid: world.tenant.uid });
  expect(await reasonOf(() => tokens.get(ask('ada')))).toBe('TENANT_SUSPENDED');
});

test('a tenant suspended during an exchange gets no token', async () => {
  await world.connect('ada');
  const tokens = world.open();
  const gate = world.sandbox.holdNextToken();

  const call = reasonOf(() => tokens.get(ask('ada')));
  await gate.arrived;
  await world.stores.tenants.update(world.tenant, { ...world.tenant, state: 'SUSPENDED' });
  world.changes.announce({ kind: 'tenant', uid: world.tenant.uid });
  gate.release();

  expect(await call).toBe('TENANT_SUSPENDED');
});

test('a token that is valid for exactly min_ttl is served, from memory and from the database', async () => {
  await world.connect('ada');
  const clock = createStoppedClock(world.clock.now());
  const tokens = world.open({ clock });
  const { accessToken } = await tokens.get(ask('ada'));
  const left = accessToken.expireTime - clock.now();

  expect(tokens.get(ask('ada', { minTtl: left }))).toMatchObject({ source: 'CACHE' });
  expect((await world.open({ clock }).get(ask('ada', { minTtl: left }))).source).toBe('DATABASE');
  expect(world.redemptions()).toBe(1);
  await reasonOf(() => tokens.get(ask('ada', { minTtl: left + 1 })));
  expect(world.redemptions()).toBe(2);
});

test('a caller that needs a token for longer than others does not get theirs', async () => {
  await world.connect('ada');
  await world.open().get(ask('ada'));
  world.sandbox.clock.advance(30 * MINUTE);
  const tokens = world.open();

  const [short, long] = await Promise.all([tokens.get(ask('ada')), tokens.get(ask('ada', { minTtl: 50 * MINUTE }))]);

  expect([short.source, long.source]).toEqual(['DATABASE', 'ENTRA']);
  expect(world.redemptions()).toBe(2);
});

test('a caller that reports an old token as refused does not use up the forced exchange', async () => {
  await world.connect('ada');
  const tokens = world.open();
  const { accessToken } = await tokens.get(ask('ada'));
  const rejectedTokenSha256 = accessToken.token.sha256();
  world.sandbox.clock.advance(55 * MINUTE);

  // It expires too soon in any case.
  expect((await tokens.get(ask('ada', { rejectedTokenSha256, minTtl: 20 * MINUTE }))).source).toBe('ENTRA');
  expect(await reasonOf(() => tokens.verifyConnection(ask('ada')))).toBe('OK');
});

test('a change of an app that is not suspended keeps the tokens of its connections; a deletion does not', async () => {
  const ada = await world.connect('ada');
  const tokens = world.open();
  await tokens.get(ask('ada'));
  const change = { kind: 'app', uid: world.app.uid } as const;

  world.changes.announce(change);
  expect((await tokens.get(ask('ada'))).source).toBe('CACHE');

  const { apps } = world.stores;
  Object.assign(apps, { findByUid: () => Promise.resolve(undefined) });
  world.changes.announce(change);
  expect(await reasonOf(() => tokens.get(ask('ada')))).toBe('CONNECTION_NOT_FOUND');
  expect(ada.appUid).toBe(change.uid);
});

test('a change of a connection ends its pause after a doubtful refusal that was not stored', async () => {
  const account = { ...(await world.connect('bea')).account, objectId: 'somebody-else' } as Account;
  const ada = await world.connect('ada', { changes: { account } });
  const tokens = world.open();
  for (let i = 0; i < 3; i++) expect(await reasonOf(() => tokens.get(ask('ada')))).toBe('INTERNAL');
  expect(world.redemptions()).toBe(1);

  world.changes.announce({ kind: 'app', uid: ada.uid });
  expect(await reasonOf(() => tokens.get(ask('ada')))).toBe('INTERNAL');
  expect(world.redemptions()).toBe(1);
  world.changes.announce({ kind: 'connection', uid: ada.uid });
  expect(await reasonOf(() => tokens.get(ask('ada')))).toBe('INTERNAL');
  expect(world.redemptions()).toBe(2);
});
