import { afterEach, beforeEach, expect, test } from 'vitest';
import { DAY, HOUR, MINUTE, SECOND } from '../../src/model/clock.ts';
import { VaultError } from '../../src/model/errors.ts';
import { newUid } from '../../src/model/id_patterns.ts';
import { Secret } from '../../src/model/secret.ts';
import { withLeaseCrashPoints } from '../crash_points.ts';
import { storesHolding } from './stores_holding.ts';
import { ask, GRAPH, OUTLOOK, openTokenWorld, reasonOf, type TokenWorld } from './token_world.ts';

let world: TokenWorld;
beforeEach(async () => {
  world = await openTokenWorld();
});
afterEach(() => world.close());

const ADA = 'ada@contoso.example';

function databaseDown(): VaultError {
  return new VaultError('DATABASE_UNAVAILABLE', 'queued by the test');
}

test('a record that fails is retried, and the token is not returned before', async () => {
  const ada = await world.connect('ada');
  let failures = 3;
  const stores = storesHolding(world.stores, (held) => ({
    async record(what) {
      if (failures-- > 0) throw databaseDown();
      return held.record(what);
    },
  }));
  const tokens = world.open({ stores });

  expect((await tokens.get(ask('ada'))).source).toBe('ENTRA');
  expect(tokens.counted.get('recordRetried')).toBe(3);
  expect(await world.stores.grants.findAccessToken(ada, GRAPH, 0)).toBeDefined();
  expect(world.redemptions()).toBe(1);
});

test('a record that keeps failing is UNAVAILABLE, and the old refresh token still works', async () => {
  await world.connect('ada');
  let broken = true;
  const stores = storesHolding(world.stores, (held) => ({
    async record(what) {
      if (broken) throw databaseDown();
      return held.record(what);
    },
  }));
  const tokens = world.open({ stores });

  expect(await reasonOf(() => tokens.get(ask('ada')))).toBe('DATABASE_UNAVAILABLE');
  broken = false;

  expect((await tokens.get(ask('ada'))).source).toBe('ENTRA');
});

test('during an outage of the database tokens are served from memory', async () => {
  await world.connect('ada');
  let down = false;
  const guard = <Store extends object>(store: Store): Store =>
    new Proxy(store, {
      get(target, name) {
        const member = Reflect.get(target, name);
        if (!down || typeof member !== 'function') return member;
        return () => Promise.reject(databaseDown());
      },
    });
  const { tenants, apps, connections, grants, leases } = world.stores;
  const guarded = { apps: guard(apps), connections: guard(connections), grants: guard(grants), leases: guard(leases) };
  const stores = { tenants: guard(tenants), ...guarded };
  const feed = { behind: false, stale: false };
  const tokens = world.open({ stores, feed });
  await tokens.get(ask('ada'));
  down = true;

  expect(await tokens.get(ask('ada'))).toMatchObject({ source: 'CACHE' });
  // Changes in the meantime are unknown; a token in memory is served anyway.
  feed.behind = true;
  expect(await tokens.get(ask('ada'))).toMatchObject({ source: 'CACHE' });
  feed.stale = true;
  expect(await reasonOf(() => tokens.get(ask('ada')))).toBe('DATABASE_UNAVAILABLE');
  feed.stale = false;
  world.sandbox.clock.advance(2 * HOUR);
  expect(await reasonOf(() => tokens.get(ask('ada')))).toBe('DATABASE_UNAVAILABLE');
});

test('a withdrawn consent affects only its own permissions', async () => {
  const ada = await world.connect('ada', { scopes: ['Mail.Read', 'Calendars.Read'] });
  const tokens = world.open();
  world.sandbox.withdrawConsent(ADA, world.app.clientId, 'Calendars.Read');

  const mail = await tokens.get(ask('ada', { scopes: ['Mail.ReadOnly'] }));

  expect(mail.accessToken.permissions).toEqual(['Mail.Read']);
  expect(await world.find(ada.uid)).toMatchObject({ grantState: 'ACTIVE', granted: { [GRAPH]: ['Mail.Read'] } });
  const asked = world.redemptions();
  expect(await reasonOf(() => tokens.get(ask('ada', { scopes: ['Calendar.ReadOnly'] })))).toBe('CONSENT_REQUIRED');
  expect(await reasonOf(() => tokens.get(ask('ada', { scopes: ['Mail.Send'] })))).toBe('SCOPE_NOT_GRANTED');
  expect(world.redemptions()).toBe(asked);
});

test('a request for a withdrawn permission gets CONSENT_REQUIRED at once', async () => {
  await world.connect('ada', { scopes: ['Mail.Read', 'Calendars.Read'] });
  const tokens = world.open();
  world.sandbox.withdrawConsent(ADA, world.app.clientId, 'Calendars.Read');

  expect(await reasonOf(() => tokens.get(ask('ada', { scopes: ['Calendar.ReadOnly'] })))).toBe('CONSENT_REQUIRED');
});

test('a fully withdrawn consent requires the user to sign in, without further requests to Entra', async () => {
  const ada = await world.connect('ada');
  const tokens = world.open();
  world.sandbox.withdrawConsent(ADA, world.app.clientId);

  expect(await reasonOf(() => tokens.get(ask('ada')))).toBe('CONSENT_REQUIRED');
  const asked = world.redemptions();
  expect(await reasonOf(() => tokens.get(ask('ada')))).toBe('CONSENT_REQUIRED');

  expect(world.redemptions()).toBe(asked);
  expect((await world.find(ada.uid)).grantState).toBe('REAUTHORIZATION_REQUIRED');
});

test('a resource that lost its consent leaves the other in service', async () => {
  await world.stores.tenants.update(world.tenant, { ...world.tenant, catalog: 'microsoft' });
  const scopes = ['Mail.Read', `${OUTLOOK}/IMAP.AccessAsUser.All`];
  const ada = await world.connect('ada', { scopes, productScopes: scopes });
  const tokens = world.open();
  world.sandbox.withdrawConsent(ADA, world.app.clientId, `${OUTLOOK}/IMAP.AccessAsUser.All`);
  world.sandbox.injectFault({ kind: 'error', code: 65001, count: 2 });

  expect(await reasonOf(() => tokens.get(ask('ada', { scopes: scopes.slice(1) })))).toBe('CONSENT_REQUIRED');
  expect((await world.find(ada.uid)).grantState).toBe('ACTIVE');
  expect((await tokens.get(ask('ada', { scopes: ['Mail.Read'] }))).source).toBe('ENTRA');
  const asked = world.redemptions();
  expect(await reasonOf(() => tokens.get(ask('ada', { scopes: scopes.slice(1) })))).toBe('CONSENT_REQUIRED');
  expect(world.redemptions()).toBe(asked);
});

test('a blocked connection is retried at most daily, and recovers', async () => {
  const ada = await world.connect('ada');
  const tokens = world.open();
  world.sandbox.requirePolicy(ADA, { code: 53003 });

  expect(await reasonOf(() => tokens.get(ask('ada')))).toBe('BLOCKED_BY_POLICY');
  world.sandbox.clock.advance(DAY - HOUR);
  expect(await reasonOf(() => tokens.get(ask('ada')))).toBe('BLOCKED_BY_POLICY');
  expect(world.redemptions()).toBe(1);

  world.sandbox.clock.advance(HOUR);
  expect(await reasonOf(() => tokens.get(ask('ada')))).toBe('BLOCKED_BY_POLICY');
  expect(world.redemptions()).toBe(2);

  world.sandbox.liftPolicy(ADA);
  world.sandbox.clock.advance(DAY);
  expect((await tokens.get(ask('ada'))).source).toBe('ENTRA');
  expect((await world.find(ada.uid)).grantState).toBe('ACTIVE');
});

test('an ambiguous refusal counts when it is repeated after a minute', async () => {
  const ada = await world.connect('ada');
  const tokens = world.open();
  world.sandbox.injectFault({ kind: 'error', code: 70000, count: 2 });

  expect(await reasonOf(() => tokens.get(ask('ada')))).toBe('ENTRA_UNAVAILABLE');
  expect(await reasonOf(() => tokens.get(ask('ada')))).toBe('ENTRA_UNAVAILABLE');
  expect(world.redemptions()).toBe(1);
  expect((await world.find(ada.uid)).grantState).toBe('ACTIVE');

  world.sandbox.clock.advance(61 * SECOND);
  expect(await reasonOf(() => tokens.get(ask('ada')))).toBe('REAUTHORIZATION_REQUIRED');
  expect(await world.find(ada.uid)).toMatchObject({
    grantState: 'REAUTHORIZATION_REQUIRED',
    stateReason: { reason: 'REAUTHORIZATION_REQUIRED' },
  });
});

test('an ambiguous refusal that passes is forgotten', async () => {
  const ada = await world.connect('ada');
  const tokens = world.open();
  world.sandbox.injectFault({ kind: 'error', code: 70000 });
  await reasonOf(() => tokens.get(ask('ada')));
  world.sandbox.clock.advance(61 * SECOND);

  expect((await tokens.get(ask('ada'))).source).toBe('ENTRA');
  expect((await world.find(ada.uid)).firstSuspectTime).toBeUndefined();
});

test('a detected loop pauses this connection alone for five minutes', async () => {
  const ada = await world.connect('ada');
  await world.connect('bea', { user: 'bea@contoso.example' });
  const tokens = world.open();
  world.sandbox.injectFault({ kind: 'error', code: 50196, user: ADA });

  await expect(async () => tokens.get(ask('ada'))).rejects.toMatchObject({ retryAfter: 5 * MINUTE });
  await reasonOf(() => tokens.get(ask('ada')));
  // Not even for a forced request: each one would prolong the loop.
  const verify = {
    callerId: 'mail',
    tenantId: 'acme',
    connectionId: 'ada',
    signal: () => new AbortController().signal,
  };
  expect(await reasonOf(() => tokens.verifyConnection(verify))).toBe('ENTRA_UNAVAILABLE');
  expect(world.redemptions()).toBe(1);
  expect((await tokens.get(ask('bea'))).source).toBe('ENTRA');
  expect(tokens.counted.get('alert/loop_detected')).toBe(1);
  expect((await world.find(ada.uid)).grantState).toBe('ACTIVE');

  world.sandbox.clock.advance(5 * MINUTE);
  expect((await tokens.get(ask('ada'))).source).toBe('ENTRA');
});

test('an expired client secret changes the state of the app, never of the connection', async () => {
  const ada = await world.connect('ada');
  const tokens = world.open();
  world.sandbox.injectFault({ kind: 'error', code: 7000222, count: 10 });

  expect(await reasonOf(() => tokens.get(ask('ada')))).toBe('APP_CREDENTIAL_EXPIRED');

  expect(await world.find(ada.uid)).toMatchObject({ grantState: 'ACTIVE', stateReason: undefined });
});

test('a malformed request affects its resource alone', async () => {
  await world.stores.tenants.update(world.tenant, { ...world.tenant, catalog: 'microsoft' });
  const scopes = ['Mail.Read', `${OUTLOOK}/IMAP.AccessAsUser.All`];
  const ada = await world.connect('ada', { scopes, productScopes: scopes });
  const tokens = world.open();
  world.sandbox.injectFault({ kind: 'error', code: 9002313, error: 'invalid_request', resource: OUTLOOK });

  expect(await reasonOf(() => tokens.get(ask('ada', { scopes: scopes.slice(1) })))).toBe('INTERNAL');

  expect(tokens.counted.get('alert/vault_fault')).toBe(1);
  expect(await reasonOf(() => tokens.get(ask('ada', { scopes: ['Mail.Read'] })))).toBe('OK');
  expect((await world.find(ada.uid)).grantState).toBe('ACTIVE');
});

test('a token of another account is neither returned nor stored', async () => {
  const ada = await world.connect('ada', {
    changes: {
      account: {
        directoryId: 'c0c0c0c0-0000-4000-8000-000000000001',
        objectId: 'somebody-else',
        username: undefined,
        displayName: undefined,
        email: undefined,
      },
    },
  });
  const tokens = world.open();

  expect(await reasonOf(() => tokens.get(ask('ada')))).toBe('INTERNAL');

  expect(tokens.counted.get('alert/account_changed')).toBe(1);
  expect(await world.stores.grants.findAccessToken(ada, GRAPH, 0)).toBeUndefined();
  expect((await world.find(ada.uid)).grantState).toBe('ACTIVE');
});

test('an import is checked at its first use: account, directory and scopes are recorded', async () => {
  const ada = await world.connect('ada', {
    changes: { account: undefined, verifyTime: undefined, lastRefreshTime: undefined },
  });

  await world.open().get(ask('ada'));

  const verified = await world.find(ada.uid);
  expect(verified.account).toMatchObject({ directoryId: 'c0c0c0c0-0000-4000-8000-000000000001', username: ADA });
  expect(verified.verifyTime).toBeDefined();
  expect(verified.granted[GRAPH]).toEqual(expect.arrayContaining(['Calendars.Read', 'Mail.Read']));
});

test('an import from a directory that the tenant does not allow is refused at its first use', async () => {
  await world.stores.tenants.update(world.tenant, { ...world.tenant, allowedDirectoryIds: ['elsewhere'] });
  const ada = await world.connect('ada', { changes: { account: undefined, verifyTime: undefined } });
  const tokens = world.open();

  expect(await reasonOf(() => tokens.get(ask('ada')))).toBe('DIRECTORY_NOT_ALLOWED');
  expect(await reasonOf(() => tokens.get(ask('ada')))).toBe('DIRECTORY_NOT_ALLOWED');

  expect(world.redemptions()).toBe(1);
  expect(await world.stores.grants.findAccessToken(ada, GRAPH, 0)).toBeUndefined();
  expect((await world.find(ada.uid)).grantState).toBe('BLOCKED');
});

test('when a new refresh token is refused, the previous one is tried once', async () => {
  const ada = await world.connect('ada');
  const tokens = world.open();
  await tokens.get(ask('ada'));
  world.sandbox.clock.advance(2 * HOUR);
  // Only the first request is refused, as for a token that has not been replicated yet.
  world.sandbox.injectFault({ kind: 'error', code: 700082 });

  expect((await tokens.get(ask('ada'))).source).toBe('ENTRA');

  expect(world.redemptions()).toBe(3);
  const presented = world.sandbox.requests().map(({ presentedRefreshTokenId }) => presentedRefreshTokenId);
  expect(presented.at(-1)).toBe(presented[0]);
  expect((await world.find(ada.uid)).grantState).toBe('ACTIVE');
});

test('a refusal of a grant that was replaced in the meantime changes no state', async () => {
  const ada = await world.connect('ada');
  const tokens = world.open();
  world.sandbox.revokeSessions(ADA);
  const gate = world.sandbox.holdNextToken();
  const call = tokens.get(ask('ada'));
  await gate.arrived;

  const token = world.sandbox.issueRefreshToken({
    clientId: world.app.clientId,
    userObjectId: ADA,
    scopes: ['Mail.Read', 'offline_access'],
  });
  await world.stores.connections.replaceGrant(await world.find(ada.uid), ada, new Secret(token));
  gate.release();

  expect((await call).source).toBe('ENTRA');
  expect((await world.find(ada.uid)).grantState).toBe('ACTIVE');
});

test('a refresh from before a new grant does not restore a resource that the new grant omits', async () => {
  await world.stores.tenants.update(world.tenant, { ...world.tenant, catalog: 'microsoft' });
  const scopes = ['Mail.Read', `${OUTLOOK}/IMAP.AccessAsUser.All`];
  const ada = await world.connect('ada', { scopes, productScopes: scopes });
  const tokens = world.open();
  const gate = world.sandbox.holdNextToken();
  const call = reasonOf(() => tokens.get(ask('ada', { scopes: scopes.slice(1) })));
  await gate.arrived;

  const token = world.sandbox.issueRefreshToken({
    clientId: world.app.clientId,
    userObjectId: ADA,
    scopes: ['Mail.Read', 'offline_access'],
  });
  const narrower = { ...ada, productScopes: ['Mail.Read'], granted: { [GRAPH]: ['Mail.Read'] } };
  await world.stores.connections.replaceGrant(await world.find(ada.uid), narrower, new Secret(token));
  gate.release();

  expect(await call).toBe('SCOPE_NOT_GRANTED');
  expect((await world.find(ada.uid)).granted).toEqual(narrower.granted);
  expect(world.redemptions()).toBe(1);
});

test('an import whose account and directory were spelled in capitals is the same account', async () => {
  const [directoryId, objectId] = ['c0c0c0c0-0000-4000-8000-000000000001', 'ada0ada0-0000-4000-8000-000000000001'];
  const allowedDirectoryIds = [directoryId.toUpperCase()];
  await world.stores.tenants.update(world.tenant, { ...world.tenant, allowedDirectoryIds });
  const account = {
    directoryId,
    objectId: objectId.toUpperCase(),
    username: undefined,
    displayName: undefined,
    email: undefined,
  };
  await world.connect('ada', { changes: { account, verifyTime: undefined } });

  expect((await world.open().get(ask('ada'))).source).toBe('ENTRA');
});

test('a clock that is set back prolongs no cooldown', async () => {
  await world.connect('ada');
  await world.connect('bea', { user: 'bea@contoso.example' });
  const tokens = world.open();
  world.sandbox.clock.advance(3 * HOUR);
  world.sandbox.injectFault({ kind: 'error', code: 50196, user: ADA });
  world.sandbox.injectFault({ kind: 'error', code: 53003, user: 'bea@contoso.example' });
  expect(await reasonOf(() => tokens.get(ask('ada')))).toBe('ENTRA_UNAVAILABLE');
  expect(await reasonOf(() => tokens.get(ask('bea')))).toBe('BLOCKED_BY_POLICY');

  world.sandbox.clock.advance(-2 * HOUR);

  expect(await reasonOf(() => tokens.get(ask('ada')))).toBe('OK');
  expect(await reasonOf(() => tokens.get(ask('bea')))).toBe('OK');
});

test('a pending connection is refused as pending', async () => {
  await world.connect('ada', { changes: { grantState: 'PENDING', account: undefined } });

  await expect(async () => world.open().get(ask('ada'))).rejects.toMatchObject({
    reason: 'CONNECTION_PENDING',
    metadata: { resource: 'tenants/acme/connections/ada', nextStep: 'StartAuthorization' },
  });
});

test('closing waits until all outcomes are recorded', async () => {
  const ada = await world.connect('ada');
  const tokens = world.open();
  const gate = world.sandbox.holdNextToken();
  const call = tokens.get(ask('ada'));
  await gate.arrived;

  const closed = tokens.close();
  gate.release();
  await closed;

  expect(await world.stores.grants.findAccessToken(ada, GRAPH, 0)).toBeDefined();
  await call;
});

test('the record is written under the lease, after the response of Entra and before the answer', async () => {
  await world.connect('ada');
  const reached: string[] = [];

  const grants = withLeaseCrashPoints(world.stores.grants, (point) => void reached.push(point));
  await world.open({ stores: { ...world.stores, grants } }).get(ask('ada'));

  expect(reached).toEqual(['before_lease', 'after_lease', 'after_entra', 'after_record']);
});

test('a suspension during an exchange returns no token and stores none', async () => {
  const ada = await world.connect('ada');
  const tokens = world.open();
  const gate = world.sandbox.holdNextToken();

  const call = reasonOf(() => tokens.get(ask('ada')));
  await gate.arrived;
  await world.stores.connections.setSuspended(ada, world.clock.now(), world.clock.now());
  world.changes.announce({ kind: 'connection', uid: ada.uid });
  gate.release();

  expect(await call).toBe('CONNECTION_SUSPENDED');
  expect(tokens.counted.get('fenced')).toBe(1);
  expect(await world.stores.grants.findAccessToken(ada, GRAPH, 0)).toBeUndefined();
});

test('a grant that replaced another one during an exchange is served', async () => {
  const ada = await world.connect('ada');
  const tokens = world.open();
  const gate = world.sandbox.holdNextToken();

  const call = tokens.get(ask('ada'));
  await gate.arrived;
  const token = world.sandbox.issueRefreshToken({
    clientId: world.app.clientId,
    userObjectId: 'ada@contoso.example',
    scopes: ['Mail.Read', 'offline_access'],
  });
  await world.stores.connections.replaceGrant(await world.find(ada.uid), ada, new Secret(token));
  gate.release();

  expect((await call).source).toBe('ENTRA');
  const presented = world.sandbox.requests().at(-1)?.presentedRefreshTokenId;
  expect(presented).toBe(world.sandbox.describeRefreshToken(token)?.id);
});

test('a connection that another process moved to another app is refreshed as that app', async () => {
  const ada = await world.connect('ada');
  const tokens = world.open();
  await tokens.get(ask('ada'));
  const { clientId, secrets } = world.sandbox.addApp({ audience: 'common', redirectUris: [], secrets: [{}] });
  const app = { ...world.app, uid: newUid(), appId: 'second', clientId };
  const [credential] = await world.stores.apps.credentials(world.app.uid);
  const material = { kind: 'CLIENT_SECRET' as const, clientSecret: new Secret(secrets[0]?.value ?? '') };
  if (credential === undefined) throw new Error('The app has no credential.');
  await world.stores.apps.create(app, { credential: { ...credential, uid: newUid(), appUid: app.uid }, material });
  const token = world.sandbox.issueRefreshToken({
    clientId,
    userObjectId: 'ada@contoso.example',
    scopes: ['Mail.Read', 'Calendars.Read', 'openid', 'offline_access'],
  });
  const moved = { ...(await world.find(ada.uid)), appUid: app.uid, appId: app.appId };
  // Not announced here.
  await world.stores.connections.replaceGrant(await world.find(ada.uid), moved, new Secret(token));
  world.sandbox.clock.advance(2 * HOUR);

  expect((await tokens.get(ask('ada'))).source).toBe('ENTRA');
  expect(tokens.counted.get('fenced')).toBe(1);
  expect(world.sandbox.requests().at(-1)?.clientId).toBe(clientId);
});

test('a tenant deleted during an exchange gets no token, and nothing is stored', async () => {
  const ada = await world.connect('ada');
  const tokens = world.open();
  const gate = world.sandbox.holdNextToken();

  const call = reasonOf(() => tokens.get(ask('ada')));
  await gate.arrived;
  await world.stores.connections.delete(ada);
  await world.stores.tenants.delete(world.tenant);
  gate.release();

  expect(['TENANT_NOT_FOUND', 'CONNECTION_NOT_FOUND']).toContain(await call);
  expect(await world.stores.connections.findByUid(ada.uid)).toBeUndefined();
});

test('a replica that lost the lease gets it when the holder crashes', async () => {
  const ada = await world.connect('ada');
  // An abandoned lease: its holder was killed.
  await world.stores.grants.lease(ada.uid, { owner: 'dead', resource: GRAPH, duration: 200 });
  const tokens = world.open();

  const answer = await tokens.get(ask('ada'));

  expect(answer.source).toBe('ENTRA');
  expect(tokens.counted.get('leaseLost')).toBeGreaterThan(0);
});

test('a tenant deleted while an outcome is recorded gets no token', async () => {
  const ada = await world.connect('ada');
  const stores = storesHolding(world.stores, (held) => ({
    async record(what) {
      await world.stores.connections.delete(ada);
      await world.stores.tenants.delete(world.tenant);
      return held.record(what);
    },
  }));

  const reason = await reasonOf(() => world.open({ stores }).get(ask('ada')));

  expect(['TENANT_NOT_FOUND', 'CONNECTION_NOT_FOUND']).toContain(reason);
  expect(world.redemptions()).toBe(1);
});

test('an import of another account is a mismatch that its user can repair', async () => {
  const account = {
    directoryId: 'c0c0c0c0-0000-4000-8000-000000000001',
    objectId: 'somebody-else',
    username: undefined,
    displayName: undefined,
    email: undefined,
  };
  const ada = await world.connect('ada', { changes: { account, verifyTime: undefined } });
  const tokens = world.open();

  expect(await reasonOf(() => tokens.get(ask('ada')))).toBe('ACCOUNT_MISMATCH');

  expect(await world.find(ada.uid)).toMatchObject({
    grantState: 'REAUTHORIZATION_REQUIRED',
    stateReason: { reason: 'ACCOUNT_MISMATCH', correlationId: expect.any(String) },
  });
  expect(tokens.counted.get('alert/account_changed')).toBeUndefined();
});
