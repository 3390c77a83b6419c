import { afterEach, beforeEach, expect, test } from 'vitest';
import { HOUR, SECOND } from '../../src/model/clock.ts';
import { Secret } from '../../src/model/secret.ts';
import { anApp, aSecret, createServer, failed, GRAPH, granted, NOW } from './fixtures.ts';
import { createRecordingLedger } from './ledger.ts';
import { idToken, json, startTokenEndpoint, type TokenEndpoint, tokenBody } from './token_endpoint.ts';

let endpoint: TokenEndpoint;

beforeEach(async () => {
  endpoint = await startTokenEndpoint();
});
afterEach(() => endpoint.close());

test('catches the rotated refresh token, which MSAL throws away', async () => {
  const { refresh } = createServer({ url: endpoint.url, ledger: createRecordingLedger(aSecret('c1')) });

  const outcome = granted(await refresh());

  expect(outcome.refreshToken?.reveal()).toBe('the-next-refresh-token');
  expect(outcome.accessToken.token.reveal()).toBe('an-access-token');
  expect(outcome.accessToken.permissions).toEqual(['Mail.Read', 'User.Read']);
  expect(outcome.account).toEqual({
    directoryId: 'dir-1',
    objectId: 'user-1',
    username: 'ada@example.com',
    displayName: 'Ada',
  });
  expect(outcome.accessToken.expireTime).toBe(NOW + HOUR - 30 * SECOND);
  expect(outcome.accessToken.refreshTime).toBe(NOW + 0.8 * HOUR);
});

test('asks the directory that it was told, by client secret, with one request and no discovery', async () => {
  const { refresh } = createServer({ url: endpoint.url, ledger: createRecordingLedger(aSecret('c1')) });

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
  const { admission } = createServer({ url: endpoint.url, ledger: createRecordingLedger(aSecret('c1')) });
  const request = {
    code: new Secret('a-code'),
    codeVerifier: new Secret('a-verifier'),
    nonce: new Secret('a-nonce'),
    redirectUri: 'https://vault.example.com/oauth2/callback',
    resource: GRAPH,
    scopes: [`${GRAPH}/Mail.Read`],
  };
  const claims = { tid: 'dir-1', oid: 'user-1' };
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
  expect(failed(await redeem())).toMatchObject({ kind: 'ours', reason: 'STATE_INVALID' });
});
