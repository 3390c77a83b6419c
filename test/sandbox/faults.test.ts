import { request } from 'node:http';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { startSandbox } from '../../src/sandbox/start_sandbox.ts';
import { ACME_CLIENT_ID, ACME_SECRET } from '../../src/sandbox/state/seed_data.ts';
import { ADA, codeFor, GRACE, openAuthorize, redeem, redeemCode, refreshTokenOf } from './client.ts';

let sandbox: Sandbox;
let ada: string;
let grace: string;
beforeAll(async () => {
  sandbox = await startSandbox({ userConsent: 'legacy', loopGuard: false });
  ada = refreshTokenOf(sandbox, ADA, 'offline_access Mail.Read');
  grace = refreshTokenOf(sandbox, GRACE, 'offline_access Mail.Read');
});
beforeEach(() => {
  sandbox.clearFaults();
  sandbox.clearRequests();
  sandbox.clock.set(Date.now());
});
afterAll(() => sandbox.close());

/** Node's HTTP client, which follows no redirects. */
function raw(
  refreshToken = ada,
  signal?: AbortSignal,
): Promise<{ status: number; headers: NodeJS.Dict<string | string[]>; text: string; bytes: number }> {
  const form = new URLSearchParams({
    grant_type: 'refresh_token',
    client_id: ACME_CLIENT_ID,
    client_secret: ACME_SECRET,
    refresh_token: refreshToken,
  });
  return new Promise((resolve, reject) => {
    const outgoing = request(
      `${sandbox.url}/common/oauth2/v2.0/token`,
      { method: 'POST', agent: false, ...(signal ? { signal } : {}) },
      (response) => {
        let text = '';
        let bytes = 0;
        response.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
          if (bytes < 100_000) text += chunk;
        });
        response.on('error', reject);
        response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text, bytes }));
      },
    );
    outgoing.on('error', reject);
    outgoing.end(form.toString());
  });
}

test('an HTML outage affects the given number of requests', async () => {
  sandbox.injectFault({ kind: 'html', count: 2 });
  for (let turn = 0; turn < 2; turn += 1) {
    const answer = await raw();
    expect([answer.status, answer.headers['content-type']]).toEqual([503, 'text/html; charset=us-ascii']);
    expect(answer.text).toContain('Service Unavailable');
  }
  expect((await raw()).status).toBe(200);
  expect(sandbox.counters().byOutcome).toEqual({ 'fault:html': 2, ok: 1 });
});

test('throttling is text with Retry-After in seconds, as a date, or without', async () => {
  sandbox.injectFault({ kind: 'throttle', retryAfter: 7 });
  const seconds = await raw();
  expect([seconds.status, seconds.headers['retry-after'], seconds.text]).toEqual([
    429,
    '7',
    'Too many requests. Try again later.',
  ]);
  sandbox.injectFault({ kind: 'throttle', retryAfter: 120, retryAfterDate: true });
  const date = Date.parse(String((await raw()).headers['retry-after']));
  expect(Math.abs(date - Date.now() - 120_000)).toBeLessThan(10_000);
  sandbox.injectFault({ kind: 'throttle', retryAfter: null });
  expect((await raw()).headers['retry-after']).toBeUndefined();
});

test('200 {} and JSON that is cut in half', async () => {
  sandbox.injectFault({ kind: 'empty' });
  expect(await raw()).toMatchObject({ status: 200, text: '{}' });
  sandbox.injectFault({ kind: 'broken_json' });
  const broken = await raw();
  expect(broken.status).toBe(200);
  expect(() => JSON.parse(broken.text)).toThrow(SyntaxError);
});

test('a huge body is sent, and the sandbox survives a client that disconnects', async () => {
  sandbox.injectFault({ kind: 'huge', bytes: 5_000_000 });
  expect((await raw()).bytes).toBeGreaterThan(5_000_000);
  sandbox.injectFault({ kind: 'huge' });
  const leaving = new AbortController();
  const left = fetch(`${sandbox.url}/common/oauth2/v2.0/token`, {
    method: 'POST',
    body: new URLSearchParams({ refresh_token: ada }),
    signal: leaving.signal,
  }).then((response) => {
    leaving.abort();
    return response.text();
  });
  await expect(left).rejects.toThrow();
  expect((await raw()).status).toBe(200);
});

test('close does no work, close_after loses the response', async () => {
  const before = await codeFor(sandbox, ADA);
  sandbox.injectFault({ kind: 'close' });
  await expect(redeemCode(sandbox, before)).rejects.toThrow();
  expect((await redeemCode(sandbox, before)).status).toBe(200);

  const after = await codeFor(sandbox, ADA);
  sandbox.injectFault({ kind: 'close_after' });
  await expect(redeemCode(sandbox, after)).rejects.toThrow();
  expect((await redeemCode(sandbox, after)).body.error_codes).toEqual([54005]);
});

test('after a lost response to a refresh the old refresh token still works', async () => {
  sandbox.injectFault({ kind: 'close_after' });
  await expect(raw()).rejects.toThrow();
  const [record] = sandbox.requests();
  expect(record?.issuedRefreshTokenId).toBeTypeOf('string');
  expect((await raw()).status).toBe(200);
});

test('hang never answers', async () => {
  sandbox.injectFault({ kind: 'hang' });
  const leaving = new AbortController();
  const hanging = raw(ada, leaving.signal);
  await expect.poll(() => sandbox.counters().byOutcome['fault:hang']).toBe(1);
  leaving.abort();
  await expect(hanging).rejects.toThrow();
});

test('latency and drip give the right response', async () => {
  sandbox.injectFault({ kind: 'latency', milliseconds: 20 });
  expect(JSON.parse((await raw()).text).token_type).toBe('Bearer');
  sandbox.injectFault({ kind: 'drip', milliseconds: 100 });
  expect(JSON.parse((await raw()).text).token_type).toBe('Bearer');
});

test('a 307 leads to the trap, which records whether the secret followed', async () => {
  sandbox.injectFault({ kind: 'redirect' });
  const answer = await raw();
  expect([answer.status, answer.headers.location]).toEqual([307, `${sandbox.url}/sandbox/trap`]);
  expect(sandbox.trapped()).toEqual([]);
  sandbox.injectFault({ kind: 'redirect' });
  // fetch follows a 307 with the body, as MSAL's own client does.
  await fetch(`${sandbox.url}/common/oauth2/v2.0/token`, {
    method: 'POST',
    body: new URLSearchParams({ client_secret: 'x', refresh_token: ada }),
  });
  expect(sandbox.trapped()).toMatchObject([
    { hadClientSecret: true, hadRefreshToken: true, hadClientAssertion: false },
  ]);
});

test('an AADSTS error has the form of Entra, and every field can be set', async () => {
  sandbox.injectFault({ kind: 'error', code: 90033 });
  expect((await redeem(sandbox, ada)).body).toMatchObject({ error: 'temporarily_unavailable', error_codes: [90033] });
  sandbox.injectFault({
    kind: 'error',
    code: 50079,
    error: 'interaction_required',
    suberror: 'basic_action',
    errorCodes: [50079, 50076],
    claims: '{"access_token":{}}',
    status: 400,
  });
  expect((await redeem(sandbox, ada)).body).toMatchObject({
    error: 'interaction_required',
    suberror: 'basic_action',
    error_codes: [50079, 50076],
    claims: '{"access_token":{}}',
  });
  sandbox.injectFault({ kind: 'error', code: 7000215 });
  expect((await redeem(sandbox, ada)).status).toBe(401);
  sandbox.injectFault({ kind: 'error', code: 123456 });
  expect((await redeem(sandbox, ada)).body).toMatchObject({ error: 'invalid_grant', error_codes: [123456] });
});

test('a fault can be limited to a user, an app, a grant or an endpoint', async () => {
  sandbox.injectFault({ kind: 'html', user: ADA });
  expect((await raw(grace)).status).toBe(200);
  expect((await raw(ada)).status).toBe(503);
  sandbox.injectFault({ kind: 'html', app: sandbox.addApp({}).clientId });
  expect((await raw()).status).toBe(200);
  sandbox.clearFaults();
  sandbox.injectFault({ kind: 'html', grant: 'authorization_code' });
  expect((await raw()).status).toBe(200);
  const code = await codeFor(sandbox, ADA);
  await expect(redeemCode(sandbox, code)).rejects.toThrow(SyntaxError);
  sandbox.injectFault({ kind: 'html', endpoint: 'authorize' });
  expect((await raw()).status).toBe(200);
  expect((await openAuthorize(sandbox, { sandbox_auto: ADA })).status).toBe(503);
});

test('a fault can start after some requests, or at a time', async () => {
  sandbox.injectFault({ kind: 'html', after: 1 });
  expect([(await raw()).status, (await raw()).status]).toEqual([200, 503]);
  sandbox.injectFault({ kind: 'html', startTime: sandbox.clock.now() + 60_000 });
  expect((await raw()).status).toBe(200);
  sandbox.clock.advance(60_000);
  expect((await raw()).status).toBe(503);
});

test('a held response has done its work, and a held request has not', async () => {
  const done = await codeFor(sandbox, ADA);
  const hold = sandbox.holdNextToken();
  let isAnswered = false;
  const answer = redeemCode(sandbox, done).then((value) => {
    isAnswered = true;
    return value;
  });
  await hold.arrived;
  expect((await redeemCode(sandbox, done)).body.error_codes).toEqual([54005]);
  expect(isAnswered).toBe(false);
  hold.release();
  expect((await answer).status).toBe(200);

  const notBegun = await codeFor(sandbox, ADA);
  const gate = sandbox.holdNextToken({ stage: 'request' });
  const late = redeemCode(sandbox, notBegun);
  await gate.arrived;
  expect((await redeemCode(sandbox, notBegun)).status).toBe(200);
  gate.release();
  expect((await late).body.error_codes).toEqual([54005]);
});

test('the sandbox lists its requests', async () => {
  await redeem(sandbox, ada, 'Mail.Read', { directory: 'contoso.example' });
  await redeem(sandbox, grace, 'Mail.Send');
  expect(sandbox.requests()).toMatchObject([
    {
      endpoint: 'token',
      grant: 'refresh_token',
      clientId: ACME_CLIENT_ID,
      username: ADA,
      directory: 'contoso.example',
      resource: 'https://graph.microsoft.com',
      outcome: 'ok',
    },
    { username: GRACE, outcome: '65001' },
  ]);
  expect(sandbox.counters()).toEqual({
    total: 2,
    byEndpoint: { token: 2 },
    byGrant: { refresh_token: 2 },
    byOperation: {},
    byOutcome: { ok: 1, '65001': 1 },
  });
});

test('an error at authorize redirects the browser to the app, for the given number of visits', async () => {
  sandbox.injectFault({
    endpoint: 'authorize',
    kind: 'error',
    code: 90094,
    count: 2,
    user: GRACE,
    app: ACME_CLIENT_ID,
  });
  const visit = async (login_hint: string) => {
    const { location } = await openAuthorize(sandbox, { state: 's', sandbox_auto: '1', login_hint });
    return location?.searchParams;
  };
  expect((await visit(ADA))?.has('code')).toBe(true);
  for (let turn = 0; turn < 2; turn += 1)
    expect(Object.fromEntries((await visit(GRACE)) ?? [])).toEqual({
      error: 'consent_required',
      error_description: expect.stringMatching(/^AADSTS90094: [^\r]+\r\nTrace ID: [^\r]+\r\nCorrelation ID: /),
      error_uri: 'https://login.microsoftonline.com/error?code=90094',
      state: 's',
    });
  expect((await visit(GRACE))?.has('code')).toBe(true);
});

test('the authorize endpoint has its own error names, and only registered redirects', async () => {
  const named: [number, string][] = [
    [53003, 'access_denied'],
    [50076, 'interaction_required'],
    [65001, 'consent_required'],
    [90008, 'consent_required'],
    [90033, 'temporarily_unavailable'],
    [650053, 'invalid_client'],
  ];
  for (const [code, error] of named) {
    sandbox.injectFault({ endpoint: 'authorize', kind: 'error', code });
    const { location } = await openAuthorize(sandbox, { sandbox_auto: ADA });
    expect(location?.searchParams.get('error')).toBe(error);
  }
  sandbox.injectFault({ endpoint: 'authorize', kind: 'error', code: 53003 });
  const { location, text } = await openAuthorize(sandbox, { redirect_uri: 'https://evil.example' });
  expect([location, text]).toEqual([undefined, expect.stringContaining('AADSTS50011')]);
});

test('the form of an open page is not affected by a later fault', async () => {
  sandbox.injectFault({ endpoint: 'authorize', kind: 'error', code: 53003 });
  const { location } = await openAuthorize(sandbox, {}, { form: { account: ADA, decision: 'accept' } });
  expect(location?.searchParams.has('code')).toBe(true);
});
