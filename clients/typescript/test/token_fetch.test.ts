import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readClaimsChallenge } from '../src/claims_challenge.ts';
import { type FakeVault, startFakeVault } from '../src/start_fake_vault.ts';
import { createTokenFetch } from '../src/token_fetch.ts';
import { TokenVault } from '../src/token_vault.ts';

const CONNECTION = 'tenants/acme/connections/ada';
const CLAIMS = '{"access_token":{"nbf":{"essential":true,"value":"1790000000"}}}';
const CHALLENGE = `Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", error="insufficient_claims", claims="${Buffer.from(CLAIMS).toString('base64')}"`;

interface Received {
  readonly method: string | undefined;
  readonly authorization: string | undefined;
  readonly body: string;
}

let fake: FakeVault;
let vault: TokenVault;
let resource: Server;
let url: string;
let received: Received[];
/** Tokens that the resource refuses. */
let refused: (token: string) => boolean;
let challenge: string | undefined;
beforeEach(async () => {
  received = [];
  refused = () => false;
  challenge = undefined;
  fake = await startFakeVault();
  vault = new TokenVault({ address: fake.address, timeout: 2_000 });
  resource = createServer(async (request: IncomingMessage, response) => {
    const { method, headers } = request;
    received.push({ method, authorization: headers.authorization, body: await text(request) });
    const isRefused = refused(headers.authorization?.slice('Bearer '.length) ?? '');
    response.writeHead(
      isRefused ? 401 : 200,
      isRefused && challenge !== undefined ? { 'www-authenticate': challenge } : {},
    );
    response.end('{}');
  }).listen(0, '127.0.0.1');
  await once(resource, 'listening');
  url = `http://127.0.0.1:${(resource.address() as AddressInfo).port}/v1.0/me`;
});
afterEach(() => {
  vault.close();
  fake.close();
  resource.close();
});

const tokenFetch = () => createTokenFetch(vault, { connection: CONNECTION, allowedHosts: [new URL(url).host] });

test('the token of the connection is sent', async () => {
  const response = await tokenFetch()(url, { headers: { 'x-other': '1' } });
  expect(response.status).toBe(200);
  expect(received).toEqual([{ method: 'GET', authorization: 'Bearer fake-token-1', body: '' }]);
});

test('one 401 with a claims challenge is answered by one exchange and one repeated request', async () => {
  challenge = CHALLENGE;
  refused = (token) => token === 'fake-token-1';
  const response = await tokenFetch()(url, { method: 'POST', body: '{"subject":"x"}' });
  expect(response.status).toBe(200);
  expect(received).toEqual([
    { method: 'POST', authorization: 'Bearer fake-token-1', body: '{"subject":"x"}' },
    { method: 'POST', authorization: 'Bearer fake-token-2', body: '{"subject":"x"}' },
  ]);
  expect(fake.requests.map(({ claims, rejectedTokenSha256 }) => [claims, rejectedTokenSha256.length])).toEqual([
    ['', 0],
    [CLAIMS, 64],
  ]);
  expect((await tokenFetch()(url)).status).toBe(200);
  expect(fake.requests.length).toBe(2);
});

test('the second 401 reaches the caller', async () => {
  refused = () => true;
  const response = await tokenFetch()(new Request(url, { method: 'PUT', body: 'text' }));
  expect(response.status).toBe(401);
  expect(await response.text()).toBe('{}');
  expect(received.map(({ body }) => body)).toEqual(['text', 'text']);
});

test('many requests that are refused with the same token cause one report', async () => {
  refused = (token) => token === 'fake-token-1';
  const responses = await Promise.all(Array.from({ length: 20 }, () => tokenFetch()(url)));
  expect(responses.filter(({ status }) => status === 200).length).toBe(20);
  expect(fake.requests.length).toBe(2);
});

test('a body that is a stream is not repeated, and its 401 is returned', async () => {
  refused = (token) => token === 'fake-token-1';
  const body = new Blob(['streamed']).stream();
  const response = await tokenFetch()(url, { method: 'POST', body, duplex: 'half' });
  expect(response.status).toBe(401);
  expect(received.length).toBe(1);
  expect((await tokenFetch()(url)).status).toBe(200);
});

test('if the vault has no new token at the moment, the 401 is returned', async () => {
  refused = () => true;
  await vault.getAccessToken({ connection: CONNECTION });
  fake.fail({ code: 'RESOURCE_EXHAUSTED', reason: 'RATE_LIMITED', retryAfter: 30_000 });
  expect((await tokenFetch()(url)).status).toBe(401);
  expect(received.length).toBe(1);
});

test('if the user must sign in again, the error of the vault is thrown', async () => {
  refused = () => true;
  await vault.getAccessToken({ connection: CONNECTION });
  fake.fail({ code: 'FAILED_PRECONDITION', reason: 'REAUTHORIZATION_REQUIRED' });
  await expect(tokenFetch()(url)).rejects.toMatchObject({ reason: 'REAUTHORIZATION_REQUIRED', whoActs: 'user' });
});

test('the token is sent to no other host, and to none without TLS', async () => {
  await expect(createTokenFetch(vault, { connection: CONNECTION })(url)).rejects.toThrow(
    'The token is not for 127.0.0.1',
  );
  const allowedHosts = ['graph.example', 'graph.microsoft.com'];
  const toOther = createTokenFetch(vault, { connection: CONNECTION, allowedHosts });
  await expect(toOther('https://graph.microsoft.com.evil.example/v1.0/me')).rejects.toThrow('The token is not for');
  await expect(toOther('http://graph.example/v1.0/me')).rejects.toThrow('over https only');
  expect(received).toEqual([]);
});

test.each([
  [CHALLENGE, CLAIMS],
  [`Bearer claims=${Buffer.from(CLAIMS).toString('base64')}`, CLAIMS],
  [`PoP nonce="1", Bearer error="x", CLAIMS="${Buffer.from(CLAIMS).toString('base64url')}"`, CLAIMS],
  [null, undefined],
  ['Bearer realm=""', undefined],
  ['Bearer claims="not base64 of JSON"', undefined],
  [`Bearer claims="${Buffer.from('17').toString('base64')}"`, undefined],
])('the claims of a challenge are read: %s', (header, claims) => {
  expect(readClaimsChallenge(header)).toBe(claims);
});
