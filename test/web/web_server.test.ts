import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Authorizations, CallbackOutcome, CallbackRequest } from '../../src/connect/authorizations.ts';
import { VaultError } from '../../src/model/errors.ts';
import { type LogEvents, silentLog } from '../../src/telemetry/log.ts';
import { startWebServer, type WebServer } from '../../src/web/web_server.ts';

const HANDLE = 'h'.repeat(43);
const STATE = 's'.repeat(43);
const XSS = '"><script>alert(1)</script>';

let web: WebServer;
let base: string;
let opened: string[];
let received: CallbackRequest[];
let outcome: CallbackOutcome;
let failure: Error | undefined;
let meanwhile: () => Promise<CallbackOutcome>;

const authorizations: Pick<Authorizations, 'describe' | 'open' | 'callback'> = {
  async describe(handle) {
    if (failure !== undefined) throw failure;
    if (handle !== HANDLE) throw new VaultError('STATE_INVALID', `no link ${handle}`);
    return { tenantDisplayName: `Acme ${XSS}`, appDisplayName: 'Acme & Sons', scopes: ['Read mail'], expireTime: 0 };
  },
  async open(handle) {
    if (handle !== HANDLE) throw new VaultError('STATE_INVALID', `no link ${handle}`);
    opened.push(handle);
    return 'https://login.example/authorize?state=x';
  },
  async callback(request) {
    received.push(request);
    return meanwhile();
  },
};

beforeEach(async () => {
  opened = [];
  received = [];
  failure = undefined;
  meanwhile = async () => outcome;
  outcome = { outcome: 'GRANTED', returnUrl: undefined };
  web = await start();
  base = `http://${web.address}`;
});

afterEach(() => web.close(100));

function start(log = silentLog): Promise<WebServer> {
  return startWebServer({ address: '127.0.0.1:0', authorizations, publicUrl: 'https://vault.example', log });
}

const get = (path: string, init: RequestInit = {}) => fetch(`${base}${path}`, { redirect: 'manual', ...init });

/** As `fetch` would not send it. */
function raw(text: string): Promise<string> {
  const [host, port] = web.address.split(':');
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), host, () => socket.write(text));
    let answer = '';
    socket.setEncoding('utf8').on('data', (chunk) => {
      answer += chunk;
    });
    socket.on('close', () => resolve(answer)).on('error', reject);
  });
}

describe('the connect page', () => {
  test('shows a form and uses nothing up, however often a mail scanner comes', async () => {
    for (const method of ['GET', 'HEAD', 'GET']) expect((await get(`/connect/${HANDLE}`, { method })).status).toBe(200);
    const html = await (await get(`/connect/${HANDLE}`)).text();
    expect(html).toContain('<form method="post">');
    expect(html).toContain('Read mail');
    expect(opened).toEqual([]);
  });

  test('escapes names that an operator chose', async () => {
    const html = await (await get(`/connect/${HANDLE}`)).text();
    expect(html).not.toContain('<script>');
    expect(html).toContain('Acme &amp; Sons');
  });

  test('leads on to Entra when the button is pressed', async () => {
    const answer = await get(`/connect/${HANDLE}`, { method: 'POST' });
    expect([answer.status, answer.headers.get('location')]).toEqual([303, 'https://login.example/authorize?state=x']);
    expect(opened).toEqual([HANDLE]);
  });

  test('does not repeat a handle that it does not know', async () => {
    const answer = await get(`/connect/${encodeURIComponent(XSS)}`);
    expect(answer.status).toBe(404);
    expect(await answer.text()).not.toMatch(/script|%3C/i);
  });

  test.each(['PUT', 'DELETE', 'PATCH', 'OPTIONS'])('answers 405 to %s', async (method) => {
    const answer = await get(`/connect/${HANDLE}`, { method });
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD, POST']);
  });
});

describe('the callback', () => {
  test('hands on code and state, and ends in our own words', async () => {
    const answer = await get(`/oauth2/callback?code=the-code&state=${STATE}&session_state=x`);
    expect(answer.status).toBe(200);
    expect(received[0]?.state).toBe(STATE);
    const sent = received[0]?.answer;
    expect(sent !== undefined && 'code' in sent ? sent.code.reveal() : undefined).toBe('the-code');
    expect(await answer.text()).not.toMatch(/the-code|sss/);
  });

  test('takes the same from a form (response_mode=form_post)', async () => {
    const body = new URLSearchParams({ code: 'the-code', state: STATE });
    const answer = await get('/oauth2/callback', { method: 'POST', body });
    expect([answer.status, received.length]).toEqual([200, 1]);
  });

  test('goes back to the product where there is a return URL', async () => {
    outcome = { outcome: 'GRANTED', returnUrl: 'https://product.example/done?outcome=granted' };
    const answer = await get(`/oauth2/callback?code=c&state=${STATE}`);
    expect([answer.status, answer.headers.get('location')]).toEqual([303, outcome.returnUrl]);
  });

  test('shows an error in our own words, and nothing of what was sent', async () => {
    outcome = { outcome: 'AUTHORIZATION_DECLINED', returnUrl: undefined };
    const query = new URLSearchParams({
      error: XSS,
      error_description: XSS,
      error_subcode: XSS,
      state: STATE,
      foo: XSS,
    });
    const answer = await get(`/oauth2/callback?${query}`);
    const html = await answer.text();
    expect(answer.status).toBe(400);
    expect(html).toContain('Not connected');
    expect(html).not.toMatch(/alert|script|sss/);
  });

  test.each([
    ['no state', 'code=c'],
    ['no answer', `state=${STATE}`],
    ['code and error', `state=${STATE}&code=c&error=e`],
    ['two states', `state=${STATE}&state=${STATE}&code=c`],
    ['two codes', `state=${STATE}&code=c&code=d`],
    ['nothing', ''],
  ])('is asked nothing with %s', async (_, query) => {
    expect((await get(`/oauth2/callback?${query}`)).status).toBe(400);
    expect(received).toEqual([]);
  });

  test('thanks an administrator who comes from the admin-consent address of next_steps', async () => {
    const query = new URLSearchParams({ admin_consent: 'True', tenant: XSS, scope: XSS, state: 'admin-consent' });
    const answer = await get(`/oauth2/callback?${query}`);
    const html = await answer.text();
    expect([answer.status, html.includes('If you approved the app')]).toEqual([200, true]);
    expect(html).not.toMatch(/alert|script|admin-consent/);
    expect(received).toEqual([]);
  });

  test('uses nothing up for a HEAD or an OPTIONS', async () => {
    for (const method of ['HEAD', 'OPTIONS', 'PUT']) {
      expect((await get(`/oauth2/callback?code=c&state=${STATE}`, { method })).status).toBe(405);
    }
    expect(received).toEqual([]);
  });

  test('refuses what is too long', async () => {
    expect((await get(`/oauth2/callback?code=${'c'.repeat(9_000)}&state=${STATE}`)).status).toBe(414);
    expect((await get(`/oauth2/callback?code=${'c'.repeat(20_000)}&state=${STATE}`)).status).toBe(431);
    const body = new URLSearchParams({ code: 'c'.repeat(20_000), state: STATE });
    expect((await get('/oauth2/callback', { method: 'POST', body })).status).toBe(413);
    expect(received).toEqual([]);
  });

  test('refuses a body without an end, and one that is no form', async () => {
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const request = httpRequest(`${base}/oauth2/callback`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded', 'transfer-encoding': 'chunked' },
      });
      request.on('response', (response) => {
        resolve(response.statusCode);
        request.destroy();
      });
      request.on('error', reject);
      request.write('state='.padEnd(40_000, 'x'));
    });
    expect(status).toBe(413);
    const headers = { 'content-type': 'application/json' };
    expect((await get('/oauth2/callback', { method: 'POST', headers, body: '{}' })).status).toBe(415);
  });
});

test('a callback that is under way is answered before the listener is closed', async () => {
  const arrived = Promise.withResolvers<void>();
  const finish = Promise.withResolvers<CallbackOutcome>();
  meanwhile = () => {
    arrived.resolve();
    return finish.promise;
  };
  const answer = get(`/oauth2/callback?code=c&state=${STATE}`);
  await arrived.promise;
  let closed = false;
  const closing = web.close(10_000).then(() => {
    closed = true;
  });
  await expect(get('/nothing')).rejects.toThrow();
  expect(closed).toBe(false);
  finish.resolve(outcome);
  expect((await answer).status).toBe(200);
  await closing;
});

describe('every answer', () => {
  test.each([
    `/connect/${HANDLE}`,
    '/connect/unknown',
    `/oauth2/callback?code=c&state=${STATE}`,
    '/oauth2/callback',
    '/nothing',
  ])('is kept by nobody, framed by nobody and refers nobody: %s', async (path) => {
    const { headers } = await get(path);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('strict-transport-security')).toContain('max-age');
    const policy = headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/unsafe|script-src|http:/);
  });

  test('names the style of its pages by its hash', async () => {
    const { createHash } = await import('node:crypto');
    const answer = await get(`/connect/${HANDLE}`);
    const style = /<style>(.*?)<\/style>/s.exec(await answer.text())?.[1] ?? '';
    const hash = createHash('sha256').update(style).digest('base64');
    expect(answer.headers.get('content-security-policy')).toContain(`'sha256-${hash}'`);
  });

  test.each(['/', '/connect/', '/connect/a/b', '/oauth2/callback/', '/oauth2', '/../etc/passwd', '/connect'])(
    'is a plain 404 for %s',
    async (path) => {
      const answer = await raw(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
      expect(answer).toMatch(/^HTTP\/1\.1 404 /);
    },
  );

  test.each([
    'GET //evil.example/oauth2/callback HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
    `GET http://evil.example/oauth2/callback?state=${STATE}&code=c HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
    'GET * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
    'BREW /oauth2/callback HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
    'GET /connect/a\r\nX: y HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
    `GET /oauth2/callback?state=${STATE}%0d%0aSet-Cookie:%20a=b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
    'nonsense\r\n\r\n',
  ])('to an odd request line is a refusal: %j', async (text) => {
    const answer = await raw(text);
    expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /);
    expect(answer).not.toMatch(/evil|set-cookie/i);
    expect(received).toEqual([]);
  });

  test('to a broken vault is 500 in our own words, and the log holds no message of the error', async () => {
    const events: LogEvents['internal_error'][] = [];
    await web.close(100);
    web = await start({ event: (_level, _name, fields) => void events.push(fields as LogEvents['internal_error']) });
    base = `http://${web.address}`;
    failure = new TypeError('canary-in-a-message\n    and more of it');

    const answer = await get(`/connect/${HANDLE}`);

    expect([answer.status, (await answer.text()).includes('canary')]).toEqual([500, false]);
    expect(events[0]).toMatchObject({ error: 'TypeError' });
    expect(JSON.stringify(events)).not.toMatch(/canary|more of it/);
    expect(events[0]?.stack).toContain('web_server.test.ts');
  });

  test('a browser that leaves in the middle of a form is no error of ours', async () => {
    const events: unknown[] = [];
    await web.close(100);
    web = await start({ event: (...event) => void events.push(event) });
    base = `http://${web.address}`;
    const [host, port] = web.address.split(':');
    const head = 'POST /oauth2/callback HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n';
    const socket = connect(Number(port), host, () => {
      socket.write(`${head}Content-Length: 100\r\n\r\nstate=`, () => socket.destroy());
    });
    await new Promise((resolve) => socket.on('close', resolve));
    // Answered after the one that left.
    expect((await get('/nothing')).status).toBe(404);
    await web.close(1_000);
    expect([events, received]).toEqual([[], []]);
  });

  test('to a suspended tenant says so in general words', async () => {
    failure = new VaultError('TENANT_SUSPENDED', 'tenants/acme is suspended');
    const answer = await get(`/connect/${HANDLE}`);
    expect([answer.status, (await answer.text()).includes('acme')]).toEqual([503, false]);
  });
});
