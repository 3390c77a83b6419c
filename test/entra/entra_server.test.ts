import { afterEach, beforeEach, expect, test } from 'vitest';
import { silentMetrics } from '../../src/entra/entra_metrics_interface.ts';
import { HOUR, SECOND } from '../../src/model/clock.ts';
import { Secret } from '../../src/model/secret.ts';
import { createRecordingAppStateStore } from './app_state_store.ts';
import { anApp, aSecret, createServer, failed, GRAPH, granted, NOW, refreshRequest } from './fixtures.ts';
import { DIRECTORY, idToken, json, startTokenEndpoint, type TokenEndpoint, tokenBody } from './token_endpoint.ts';

let endpoint: TokenEndpoint;

beforeEach(async () => {
  endpoint = await startTokenEndpoint();
});
afterEach(() => endpoint.close());

test('returns the rotated refresh token, which MSAL drops', async () => {
  const { refresh } = createServer({ url: endpoint.url, appStateStore: createRecordingAppStateStore(aSecret('c1')) });

  const outcome = granted(await refresh());

  expect(outcome.refreshToken?.reveal()).toBe('the-next-refresh-token');
  expect(outcome.accessToken.token.reveal()).toBe('an-access-token');
  expect(outcome.accessToken.permissions).toEqual(['Mail.Read', 'User.Read']);
  expect(outcome.account).toEqual({
    directoryId: DIRECTORY,
    objectId: 'user-1',
    username: 'ada@example.com',
    displayName: 'Ada',
    email: undefined,
  });
  expect(outcome.accessToken.expireTime).toBe(NOW + HOUR - 30 * SECOND);
  expect(outcome.accessToken.refreshTime).toBe(NOW + 0.8 * HOUR);
});

test('uses the given directory and client secret, in one request without discovery', async () => {
  const { refresh } = createServer({ url: endpoint.url, appStateStore: createRecordingAppStateStore(aSecret('c1')) });

  await refresh();

  expect(endpoint.requests).toHaveLength(1);
  const [request] = endpoint.requests;
  expect(request?.path.split('?')[0]).toBe('/dir-1/oauth2/v2.0/token');
  expect(request?.form.get('client_secret')).toBe('secret-of-c1');
  expect(request?.form.get('refresh_token')).toBe('the-refresh-token');
  expect(request?.form.get('grant_type')).toBe('refresh_token');
  expect(request?.form.get('scope')?.split(' ')).toEqual(
    expect.arrayContaining([`${GRAPH}/Mail.Read`, `${GRAPH}/User.Read`, 'openid', 'profile', 'offline_access']),
  );
  expect(request?.headers['client-request-id']).toMatch(/^[0-9a-f-]{36}$/);
});

test('redeems a code with its verifier, and only for the nonce of this sign-in', async () => {
  const { admission } = createServer({ url: endpoint.url, appStateStore: createRecordingAppStateStore(aSecret('c1')) });
  const request = {
    code: new Secret('a-code'),
    codeVerifier: new Secret('a-verifier'),
    nonce: new Secret('a-nonce'),
    redirectUri: 'https://vault.example.com/oauth2/callback',
    resource: GRAPH,
    scopes: [`${GRAPH}/Mail.Read`],
  };
  const claims = { oid: 'user-1' };
  const redeem = async () => {
    const admitted = await admission(anApp(), undefined);
    try {
      return await admitted.redeemCode(request);
    } finally {
      admitted.release();
    }
  };

  endpoint.answer((_, response) =>
    json(response, 200, tokenBody({ id_token: idToken({ ...claims, nonce: 'a-nonce' }) })),
  );
  expect(granted(await redeem()).account?.objectId).toBe('user-1');
  expect(endpoint.requests[0]?.form.get('code_verifier')).toBe('a-verifier');
  expect(endpoint.requests[0]?.path).toContain('/organizations/');

  endpoint.answer((_, response) =>
    json(response, 200, tokenBody({ id_token: idToken({ ...claims, nonce: 'another' }) })),
  );
  expect(failed(await redeem())).toMatchObject({ kind: 'vault_fault', reason: 'STATE_INVALID' });
});

test.each([
  ['aud', { aud: 'b0000000-0000-4000-8000-000000000001' }],
  ['aud', { aud: undefined }],
  ['iss', { iss: 'https://login.example/e0000000-0000-4000-8000-000000000001/v2.0' }],
  ['iss', { iss: undefined }],
  ['tid', { tid: 'contoso' }],
])('an id_token with another %s grants no token', async (claim, claims) => {
  const { refresh } = createServer({ url: endpoint.url, appStateStore: createRecordingAppStateStore(aSecret('c1')) });
  endpoint.answer((_, response) => json(response, 200, tokenBody({ id_token: idToken({ oid: 'user-1', ...claims }) })));

  expect(failed(await refresh())).toMatchObject({
    kind: 'vault_fault',
    reason: 'INTERNAL',
    entraError: `answer/${claim}`,
  });
});

test.each([
  ['User.Read', 'failed'],
  [`${GRAPH}/Mail.Read openid`, 'failed'],
  ['openid profile', []],
  ['https://outlook.office365.com/SMTP.Send User.Read', ['SMTP.Send']],
  [undefined, ['SMTP.Send']],
])('a response for Outlook with the scope %s', async (scope, expected) => {
  const outlook = 'https://outlook.office.com';
  const { admission } = createServer({ url: endpoint.url, appStateStore: createRecordingAppStateStore(aSecret('c1')) });
  const admitted = await admission(anApp(), undefined);
  endpoint.answer((_, response) => json(response, 200, tokenBody({ scope })));

  const outcome = await admitted.redeemRefreshToken({
    refreshToken: new Secret('the-refresh-token'),
    resource: outlook,
    scopes: [`${outlook}/SMTP.Send`],
  });
  admitted.release();

  if (expected === 'failed') expect(failed(outcome)).toMatchObject({ kind: 'vault_fault', entraError: 'answer/scope' });
  else expect(granted(outcome).accessToken.permissions).toEqual(expected);
});

test('a claims challenge is sent to Entra, merged with the claims that MSAL adds', async () => {
  const { admission } = createServer({ url: endpoint.url, appStateStore: createRecordingAppStateStore(aSecret('c1')) });
  const admitted = await admission(anApp(), 'dir-1');
  const challenge = '{"access_token":{"nbf":{"essential":true,"value":"1700000000"}}}';

  granted(await admitted.redeemRefreshToken({ ...refreshRequest(), claims: challenge }));
  await expect(admitted.redeemRefreshToken({ ...refreshRequest(), claims: '{broken' })).rejects.toMatchObject({
    reason: 'FIELD_INVALID',
  });
  admitted.release();

  expect(JSON.parse(endpoint.requests[0]?.form.get('claims') ?? '{}')).toMatchObject(JSON.parse(challenge));
  expect(endpoint.requests).toHaveLength(1);
});

test('a token for the app itself is requested in one directory, with .default', async () => {
  const { admission } = createServer({ url: endpoint.url, appStateStore: createRecordingAppStateStore(aSecret('c1')) });
  endpoint.answer((_, response) =>
    json(response, 200, { token_type: 'Bearer', expires_in: 3599, access_token: 'an-app-token' }),
  );
  const admitted = await admission(anApp(), 'dir-1');
  const outcome = granted(await admitted.acquireForApp({ resource: GRAPH }));
  admitted.release();

  expect(outcome.accessToken.permissions).toEqual([]);
  expect(outcome.refreshToken).toBeUndefined();
  expect(outcome.account).toBeUndefined();
  expect(endpoint.requests[0]?.form.get('grant_type')).toBe('client_credentials');
  expect(endpoint.requests[0]?.form.get('scope')).toBe(`${GRAPH}/.default`);

  const nowhere = await admission(anApp(), undefined);
  await expect(nowhere.acquireForApp({ resource: GRAPH })).rejects.toMatchObject({ reason: 'FIELD_INVALID' });
  nowhere.release();
});

test('a code is not sent twice if its response was lost, because it works once', async () => {
  const { admission } = createServer({ url: endpoint.url, appStateStore: createRecordingAppStateStore(aSecret('c1')) });
  endpoint.answer((_, response) => void response.destroy());
  const admitted = await admission(anApp(), 'dir-1');
  const code = {
    code: new Secret('a-code'),
    codeVerifier: new Secret('a-verifier'),
    nonce: new Secret('a-nonce'),
    redirectUri: 'https://vault.example.com/oauth2/callback',
    resource: GRAPH,
    scopes: [`${GRAPH}/Mail.Read`],
  };
  expect(failed(await admitted.redeemCode(code)).kind).toBe('transient');
  admitted.release();
  expect(endpoint.requests).toHaveLength(1);
});

test('300 users at once are all served, with at most 8 concurrent requests', async () => {
  let underWay = 0;
  let most = 0;
  const counting = { inFlight: [] as number[], waiting: [] as number[] };
  endpoint.answer(async (_, response) => {
    underWay += 1;
    most = Math.max(most, underWay);
    await new Promise((resolve) => setImmediate(resolve));
    underWay -= 1;
    json(response, 200, tokenBody());
  });
  const { refresh } = createServer({
    url: endpoint.url,
    appStateStore: createRecordingAppStateStore(aSecret('c1')),
    options: { admissionControl: { waiting: 1000, totalWaiting: 1000 } },
    metrics: {
      ...silentMetrics,
      inFlight: (count) => void counting.inFlight.push(count),
      waiting: (count) => void counting.waiting.push(count),
    },
  });

  const outcomes = await Promise.all(Array.from({ length: 300 }, () => refresh()));

  expect(outcomes.every((outcome) => outcome.kind === 'granted')).toBe(true);
  expect(most).toBeLessThanOrEqual(8);
  expect(Math.max(...counting.inFlight)).toBe(8);
  expect([counting.inFlight.at(-1), counting.waiting.at(-1)]).toEqual([0, 0]);
});
