import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { CompleteRequest } from '../../src/connect/complete_authorization_from_product_callback.ts';
import type { Reason } from '../../src/model/errors.ts';
import { Secret } from '../../src/model/secret.ts';
import { ACME_CLIENT_ID, CONTOSO, FABRIKAM } from '../../src/sandbox/state/seed_data.ts';
import { ADA, ALAN, type ConnectWorld, GRACE, PRODUCT_CALLBACK, startConnectWorld } from './connect_world.ts';

let world: ConnectWorld;

beforeEach(async () => {
  world = await startConnectWorld();
  await world.register('acme');
});

afterEach(() => world.stop());

const own = { redirectUri: PRODUCT_CALLBACK } as const;
type Start = Parameters<ConnectWorld['start']>[0];

/** The parameters of the product's callback. */
async function answered(username = ADA, request: Start = {}) {
  const { authorizationUri } = await world.start({ ...own, ...request });
  const { searchParams, origin, pathname } = await world.signIn(authorizationUri, username);
  expect(`${origin}${pathname}`).toBe(PRODUCT_CALLBACK);
  return { state: searchParams.get('state') ?? '', answer: { code: new Secret(searchParams.get('code') ?? '') } };
}

const complete = (request: Pick<CompleteRequest, 'state' | 'answer'> & Partial<CompleteRequest>) =>
  world.authorizations.complete({ tenantId: 'acme', connectionId: 'ada', ...request });

const refused = (promise: Promise<unknown>, reason: Reason) => expect(promise).rejects.toMatchObject({ reason });

const redemptions = () => world.sandbox.requests().filter(({ endpoint }) => endpoint === 'token').length;

test('a product with its own callback forwards code and state', async () => {
  const connection = await complete(await answered());
  expect(connection).toMatchObject({ grantState: 'ACTIVE', account: { username: ADA, directoryId: CONTOSO } });
});

describe('a wrong state', () => {
  test('unknown', async () => {
    const { answer } = await answered();
    await refused(complete({ state: 'x'.repeat(43), answer }), 'STATE_INVALID');
    await refused(complete({ state: '', answer }), 'STATE_INVALID');
    await refused(complete({ state: "' OR 1=1 --", answer }), 'STATE_INVALID');
  });

  test('used before', async () => {
    const sent = await answered();
    await complete(sent);
    await refused(complete(sent), 'STATE_INVALID');
    expect(redemptions()).toBe(1);
  });

  test('used ten times at once: one succeeds', async () => {
    const sent = await answered();
    const results = await Promise.allSettled(Array.from({ length: 10 }, () => complete(sent)));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(redemptions()).toBe(1);
  });

  test('expired', async () => {
    const sent = await answered();
    world.sandbox.clock.advance(10 * 60_000 + 1_000);
    await refused(complete(sent), 'STATE_INVALID');
    expect(redemptions()).toBe(0);
  });

  test('of another connection, and then used up for its own too', async () => {
    const bob = await answered(GRACE, { connectionId: 'bob' });
    await answered();
    await refused(complete(bob), 'STATE_INVALID');
    await refused(complete({ ...bob, connectionId: 'bob' }), 'STATE_INVALID');
    expect(redemptions()).toBe(0);
  });

  test('of another tenant', async () => {
    await world.register('globex');
    const sent = await answered();
    await answered(ADA, { tenantId: 'globex' });
    await refused(complete({ ...sent, tenantId: 'globex' }), 'STATE_INVALID');
  });

  test('of a connection that was deleted and created again', async () => {
    const sent = await answered();
    const connection = await world.find();
    if (connection) await world.stores.connections.delete(connection);
    await answered();
    await refused(complete(sent), 'STATE_INVALID');
  });

  test("minted for the vault's own callback", async () => {
    const { authorizationUri } = await world.start();
    const { searchParams } = await world.signIn(authorizationUri, ADA);
    const answer = { code: new Secret(searchParams.get('code') ?? '') };
    await refused(complete({ state: searchParams.get('state') ?? '', answer }), 'STATE_INVALID');
  });

  test("minted for the product's callback, but sent to the vault's", async () => {
    const { state, answer } = await answered();
    const query = new URLSearchParams({ state, code: answer.code.reveal() });
    const page = await world.visit(`https://vault.example/oauth2/callback?${query}`);
    expect([page.status, page.headers.get('location')]).toEqual([400, null]);
    expect(redemptions()).toBe(0);
  });
});

test('a code works only with its own state and verifier', async () => {
  const mine = await answered();
  const theirs = await answered(GRACE, { connectionId: 'grace' });
  await refused(complete({ state: mine.state, answer: theirs.answer }), 'REAUTHORIZATION_REQUIRED');
  expect((await world.find())?.grantState).toBe('PENDING');
});

test('an invalid code requires a new start', async () => {
  const { state } = await answered();
  await refused(complete({ state, answer: { code: new Secret('nonsense') } }), 'REAUTHORIZATION_REQUIRED');
});

test('a response without a refresh token is NO_REFRESH_TOKEN', async () => {
  const { authorizationUri } = await world.start(own);
  // Entra sends none without offline_access.
  const withoutOfflineAccess = authorizationUri.replace(/(%20|\+)?offline_access/, '');
  expect(withoutOfflineAccess).not.toBe(authorizationUri);
  const { searchParams } = await world.signIn(withoutOfflineAccess, ADA);
  const answer = { code: new Secret(searchParams.get('code') ?? '') };
  await refused(complete({ state: searchParams.get('state') ?? '', answer }), 'NO_REFRESH_TOKEN');
  expect((await world.find())?.grantState).toBe('PENDING');
});

describe('the account', () => {
  test('that differs from the earlier one is rejected, and the old grant stays', async () => {
    const before = await complete(await answered());
    await refused(complete(await answered(GRACE)), 'ACCOUNT_MISMATCH');
    expect(await world.find()).toEqual(before);
  });

  test('may differ if the product allows it', async () => {
    await complete(await answered());
    const after = await complete(await answered(GRACE, { allowAccountChange: true }));
    expect(after.account?.username).toBe(GRACE);
  });

  test('of a directory that the tenant does not allow is rejected', async () => {
    await world.register('strict', {}, { allowedDirectoryIds: [FABRIKAM] });
    const sent = await answered(ADA, { tenantId: 'strict' });
    await refused(complete({ ...sent, tenantId: 'strict' }), 'DIRECTORY_NOT_ALLOWED');
    const allowed = await answered(ALAN, { tenantId: 'strict' });
    expect((await complete({ ...allowed, tenantId: 'strict' })).account?.directoryId).toBe(FABRIKAM);
  });
});

describe('reconnecting', () => {
  test('keeps the name and replaces the product scopes', async () => {
    const before = await complete(await answered());
    const old = await world.refreshTokenOf(before);
    const after = await complete(await answered(ADA, { scopes: ['Calendar.ReadOnly'] }));
    expect(after).toMatchObject({ uid: before.uid, productScopes: ['Calendar.ReadOnly'], grantState: 'ACTIVE' });
    expect(await world.refreshTokenOf(after)).not.toBe(old);
  });

  test('without scopes requests the earlier scopes, app and account', async () => {
    await complete(await answered(ADA, { scopes: ['Calendar.ReadOnly'] }));
    const { authorizationUri } = await world.start({ ...own, scopes: [] });
    const { searchParams } = new URL(authorizationUri);
    expect(searchParams.get('scope')).toContain('Calendars.Read');
    expect([searchParams.get('login_hint'), searchParams.get('prompt')]).toEqual([ADA, null]);
  });

  test('with SELECT_ACCOUNT sends no login hint', async () => {
    await complete(await answered());
    const { authorizationUri } = await world.start({ ...own, scopes: [], prompt: 'select_account' });
    const { searchParams } = new URL(authorizationUri);
    expect([searchParams.get('login_hint'), searchParams.get('prompt')]).toEqual([null, 'select_account']);
  });

  test('fences a refresh in progress', async () => {
    const before = await complete(await answered());
    const held = await world.stores.grants.lease(before.uid, { owner: 'other', resource: 'x', duration: 60_000 });
    await complete(await answered());
    const recorded = await held?.record({
      connection: before,
      refreshToken: new Secret('stale'),
      accessToken: undefined,
    });
    expect(recorded).toBe('fenced');
  });
});

describe('the reason names the cause', () => {
  test.each([
    ['access_denied', 'AADSTS65004: …', 'AUTHORIZATION_DECLINED'],
    ['access_denied', 'AADSTS90094: …', 'ADMIN_CONSENT_REQUIRED'],
    ['temporarily_unavailable', undefined, 'ENTRA_UNAVAILABLE'],
  ] as const)('%s %s', async (error, errorDescription, reason) => {
    const { state } = await answered();
    await refused(complete({ state, answer: { error, errorDescription } }), reason);
    await refused(complete({ state, answer: { error, errorDescription } }), 'STATE_INVALID');
  });

  test('an expired client secret marks the app, and no connection', async () => {
    const before = await complete(await answered());
    const sent = await answered();
    world.sandbox.expireSecret(ACME_CLIENT_ID, 'pre8Q~tend-secret-of-the-sandbox-only-1');
    await expect(complete(sent)).rejects.toMatchObject({ reason: expect.stringMatching(/^APP_CREDENTIAL_/) });
    expect(await world.find()).toEqual(before);
  });

  test('throttling', async () => {
    const sent = await answered();
    world.sandbox.injectFault({ kind: 'throttle', retryAfter: 30 });
    await expect(complete(sent)).rejects.toMatchObject({ reason: 'ENTRA_THROTTLED', retryAfter: expect.any(Number) });
  });

  test('a suspended connection, app or tenant', async () => {
    const connection = await complete(await answered());
    const sent = await answered();
    await world.stores.connections.setSuspended(connection, 1, 1);
    await refused(complete(sent), 'CONNECTION_SUSPENDED');
    await refused(world.start(own), 'CONNECTION_SUSPENDED');
  });
});

test('errors contain no secret', async () => {
  const sent = await answered();
  world.sandbox.injectFault({ kind: 'error', code: 70000, description: 'AADSTS70000: canary ada@contoso.example' });
  const error = await complete(sent).catch((failure: unknown) => failure);
  const { inspect } = await import('node:util');
  const shown = inspect(error, { depth: 10 });
  for (const secret of [sent.state, sent.answer.code.reveal(), 'canary', ADA]) expect(shown).not.toContain(secret);
});
