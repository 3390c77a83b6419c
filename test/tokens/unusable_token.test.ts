import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Admission, AuthorizationServer } from '../../src/entra/entra_client_interface.ts';
import { readGranted } from '../../src/entra/exchange/parse_granted_token.ts';
import { MINUTE, SECOND } from '../../src/model/clock.ts';
import type { Outcome } from '../../src/model/token_request_outcome.ts';
import { CONTOSO } from '../../src/sandbox/state/seed_data.ts';
import { ask, eventually, GRAPH, openTokenWorld, reasonOf, type TokenWorld } from './token_world.ts';

let world: TokenWorld;
/** Changed fields of Entra's responses. */
let changed: Readonly<Record<string, unknown>> | undefined;
beforeEach(async () => {
  world = await openTokenWorld();
  changed = undefined;
});
afterEach(() => world.close());

/** The sandbox's response with changed fields. */
function reread(outcome: Outcome, scopes: readonly string[]): Outcome {
  if (outcome.kind !== 'granted' || changed === undefined) return outcome;
  const body = { access_token: outcome.accessToken.token.reveal(), expires_in: 3600, scope: 'Mail.Read', ...changed };
  const answer = {
    status: 200,
    retryAfter: undefined,
    date: undefined,
    fault: undefined,
    sendTime: world.clock.now(),
    correlationId: 'c',
    body,
  };
  const { accessToken } = readGranted(answer, { resource: GRAPH, scopes, graph: GRAPH, random: Math.random });
  return { ...outcome, accessToken };
}

const authorizationServer: Pick<AuthorizationServer, 'admit'> = {
  async admit(request): Promise<Admission> {
    const admission = await world.authorizationServer.admit(request);
    return {
      ...admission,
      redeemRefreshToken: async (asked) => reread(await admission.redeemRefreshToken(asked), asked.scopes),
      acquireForApp: async (asked) => reread(await admission.acquireForApp(asked), []),
    };
  },
};

const open = () => world.open({ authorizationServer });

async function storedRefreshToken(uid: string): Promise<string | undefined> {
  const held = await world.stores.grants.lease(uid, { owner: 'test', resource: GRAPH, duration: SECOND });
  await held?.release();
  return held?.refreshToken?.reveal();
}

describe.each([0, -1, 29, 1e12, undefined, 'soon', null])('a token with an expires_in of %s', (expires_in) => {
  test('replaces no valid token, and the new refresh token is kept', async () => {
    const ada = await world.connect('ada');
    await world.connect('bea', { user: 'bea@contoso.example' });
    const tokens = open();
    const first = await tokens.get(ask('ada'));
    const spent = await storedRefreshToken(ada.uid);
    changed = { expires_in };
    world.sandbox.clock.advance(55 * MINUTE);

    expect((await tokens.get(ask('ada'))).accessToken.token).toBe(first.accessToken.token);
    await eventually(() => tokens.counted.get('refreshAheadFailed/ENTRA_UNAVAILABLE')).toBe(1);

    expect((await tokens.get(ask('ada'))).accessToken.token).toBe(first.accessToken.token);
    expect((await world.stores.grants.findAccessToken(ada, GRAPH, world.clock.now()))?.expireTime).toBe(
      first.accessToken.expireTime,
    );
    expect(await storedRefreshToken(ada.uid)).not.toBe(spent);
    expect(await world.find(ada.uid)).toMatchObject({ grantState: 'ACTIVE', stateReason: undefined });

    changed = undefined;
    expect((await tokens.get(ask('bea'))).source).toBe('ENTRA');
    world.sandbox.clock.advance(2 * MINUTE);
    tokens.get(ask('ada'));
    await eventually(() => tokens.counted.get('refreshLag')).toBe(1);
    expect((await tokens.get(ask('ada'))).accessToken.expireTime).toBeGreaterThan(first.accessToken.expireTime);
  });
});

test('without a valid token, Entra is called once in 30 s', async () => {
  await world.connect('ada');
  const tokens = open();
  changed = { expires_in: 0 };

  for (let i = 0; i < 20; i++) {
    await expect(async () => tokens.get(ask('ada'))).rejects.toMatchObject({
      reason: 'ENTRA_UNAVAILABLE',
      retryAfter: 30 * SECOND,
      metadata: { entraError: 'http/200/expires_in' },
    });
  }
  expect(world.redemptions()).toBe(1);

  changed = undefined;
  world.sandbox.clock.advance(31 * SECOND);
  expect((await tokens.get(ask('ada'))).source).toBe('ENTRA');
});

test('an expired token of an app replaces no valid one', async () => {
  const tokens = open();
  const request = {
    tenantId: 'acme',
    appId: 'default',
    resource: GRAPH,
    directoryId: CONTOSO,
    minTtl: MINUTE,
    signal: () => new AbortController().signal,
  };
  const first = await tokens.getForApp(request);
  changed = { expires_in: 0 };
  world.sandbox.clock.advance(55 * MINUTE);

  expect((await tokens.getForApp(request)).accessToken.token).toBe(first.accessToken.token);
  await eventually(() => tokens.counted.get('refreshAheadFailed/ENTRA_UNAVAILABLE')).toBe(1);
  expect((await tokens.getForApp(request)).accessToken.token).toBe(first.accessToken.token);
});

test.each(['', ' ', undefined, 7])('an empty or malformed `scope` (%j) removes no resource', async (scope) => {
  const ada = await world.connect('ada');
  const tokens = open();
  changed = { scope };

  expect(await reasonOf(() => tokens.get(ask('ada')))).toBe('OK');
  expect((await world.find(ada.uid)).granted).toMatchObject({ [GRAPH]: ['Calendars.Read', 'Mail.Read'] });
  world.sandbox.clock.advance(61 * MINUTE);
  expect(await reasonOf(() => tokens.get(ask('ada')))).toBe('OK');
});

test('a token that Entra wants replaced at once is used for 30 s', async () => {
  await world.connect('ada');
  await world.connect('bea', { user: 'bea@contoso.example' });
  const tokens = open();
  changed = { refresh_in: 1 };
  await tokens.get(ask('ada'));

  world.sandbox.clock.advance(29 * SECOND);
  expect((await tokens.get(ask('ada'))).source).toBe('CACHE');
  // A refresh that began before this exchange would have been sent.
  expect((await tokens.get(ask('bea'))).source).toBe('ENTRA');
  expect(world.redemptions()).toBe(2);

  world.sandbox.clock.advance(2 * SECOND);
  expect((await tokens.get(ask('ada'))).source).toBe('CACHE');
  await eventually(() => world.redemptions()).toBe(3);
});
