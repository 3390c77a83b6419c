import { createHash } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { VaultError } from '../../src/model/errors.ts';
import { type LogEvents, silentLog } from '../../src/telemetry/log_events.ts';
import { startWebServer, type WebServer } from '../../src/web/web_server.ts';
import {
  ADMIN_STATE,
  anOutcome,
  createFakeWebParts,
  type FakeWebParts,
  HANDLE,
  LOGO,
  PRODUCT,
  STATE,
} from './fake_web_parts.ts';

const XSS = '"><script>alert(1)</script>';
const RETURN_URL = 'https://product.example/done?connection=c&outcome=o';

let web: WebServer;
let base: string;
let fakes: FakeWebParts;

beforeEach(async () => {
  fakes = createFakeWebParts();
  fakes.description = { ...fakes.description, product: { ...PRODUCT, tenant: `Acme ${XSS}` } };
  web = await start();
  base = `http://${web.address}`;
});

afterEach(() => web.close(100));

function start(log = silentLog): Promise<WebServer> {
  return startWebServer({ ...fakes, address: '127.0.0.1:0', publicUrl: 'https://vault.example', log });
}

const get = (path: string, init: RequestInit = {}) => fetch(`${base}${path}`, { redirect: 'manual', ...init });

/** Sends a request that `fetch` cannot send. */
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
  test('shows a form, and is not used up by mail scanners', async () => {
    for (const method of ['GET', 'HEAD', 'GET']) expect((await get(`/connect/${HANDLE}`, { method })).status).toBe(200);
    const html = await (await get(`/connect/${HANDLE}`)).text();
    expect(html).toContain('<form method="post"');
    expect(html).toContain('Read your mail');
    expect(fakes.opened).toEqual([]);
  });

  test('escapes names that an operator chose', async () => {
    const html = await (await get(`/connect/${HANDLE}`)).text();
    expect(html).not.toContain('<script>');
    expect(html).toContain('Acme &amp; Sons');
  });

  test('redirects to Entra when the button is pressed', async () => {
    const answer = await get(`/connect/${HANDLE}`, { method: 'POST' });
    expect([answer.status, answer.headers.get('location')]).toEqual([303, fakes.entra]);
    expect(fakes.opened).toEqual([HANDLE]);
  });

  test('returns to the product when Cancel is pressed, and does not open Entra', async () => {
    fakes.cancellation = anOutcome('CANCELLED', { returnUrl: RETURN_URL });
    const answer = await get(`/connect/${HANDLE}?cancel`, { method: 'POST' });
    expect([answer.status, answer.headers.get('location')]).toEqual([303, RETURN_URL]);
    expect(fakes.cancelled).toMatchObject([{ handle: HANDLE, requestId: expect.any(String) }]);
    expect(fakes.opened).toEqual([]);
  });

  test('shows that it was cancelled if there is no return URL', async () => {
    const answer = await get(`/connect/${HANDLE}?cancel`, { method: 'POST' });
    expect([answer.status, answer.headers.get('location')]).toEqual([303, HANDLE]);
  });

  test.each(['GET', 'POST'])('that was cancelled says so (%s), with a way back to the product', async (method) => {
    fakes.isCancelled = true;
    fakes.cancellation = anOutcome('CANCELLED', { returnUrl: RETURN_URL });
    const answer = await get(`/connect/${HANDLE}`, { method });
    const html = await answer.text();
    expect([answer.status, answer.headers.get('location')]).toEqual([200, null]);
    expect(html).toContain('was cancelled');
    expect(html).toContain(`href="${RETURN_URL.replace('&', '&amp;')}"`);
  });

  test('explains why it could not be cancelled', async () => {
    fakes.cancellation = anOutcome('AUDIT_UNAVAILABLE');
    const answer = await get(`/connect/${HANDLE}?cancel`, { method: 'POST' });
    expect([answer.status, answer.headers.get('location')]).toEqual([503, null]);
  });

  test('is not cancelled by a GET, such as of an image on another page', async () => {
    for (const method of ['GET', 'HEAD']) await get(`/connect/${HANDLE}?cancel`, { method });
    expect(fakes.cancelled).toEqual([]);
  });

  test('does not repeat an unknown handle', async () => {
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
  test("forwards code and state, and shows the vault's own page", async () => {
    const answer = await get(`/oauth2/callback?code=the-code&state=${STATE}&session_state=x`);
    expect(answer.status).toBe(200);
    expect(fakes.received[0]?.state).toBe(STATE);
    const sent = fakes.received[0]?.answer;
    expect(sent !== undefined && 'code' in sent ? sent.code.reveal() : undefined).toBe('the-code');
    expect(await answer.text()).not.toMatch(/the-code|sss/);
  });

  test('accepts the same as a form (response_mode=form_post)', async () => {
    const body = new URLSearchParams({ code: 'the-code', state: STATE });
    const answer = await get('/oauth2/callback', { method: 'POST', body });
    expect([answer.status, fakes.received.length]).toEqual([200, 1]);
  });

  test('redirects to the return URL after success', async () => {
    fakes.outcome = anOutcome('GRANTED', { returnUrl: RETURN_URL });
    const answer = await get(`/oauth2/callback?code=c&state=${STATE}`);
    expect([answer.status, answer.headers.get('location')]).toEqual([303, RETURN_URL]);
  });

  test.each([
    anOutcome('AUTHORIZATION_DECLINED'),
    anOutcome('ACCOUNT_MISMATCH'),
    anOutcome('ADMIN_CONSENT_REQUIRED'),
    anOutcome('INTERNAL'),
  ])('explains $outcome first, with a way back to the product', async (outcome) => {
    fakes.outcome = { ...outcome, returnUrl: RETURN_URL };
    const answer = await get(`/oauth2/callback?code=c&state=${STATE}`);
    const html = await answer.text();
    expect(answer.headers.get('location')).toBeNull();
    expect(html).toContain(`href="${RETURN_URL.replace('&', '&amp;')}"`);
    expect(html).toContain('Back to <strong><bdi>Acme &amp; Sons</bdi></strong>');
  });

  test('shows that Microsoft does not allow everything yet, and logs the resources', async () => {
    const events: unknown[] = [];
    await web.close(100);
    web = await start({ event: (...event) => void events.push(event) });
    base = `http://${web.address}`;
    const refusedResources = ['https://outlook.office.com'];
    fakes.outcome = anOutcome('GRANTED', { refusedResources });

    const html = await (await get(`/oauth2/callback?code=c&state=${STATE}`)).text();

    expect(html).toContain('does not allow everything');
    const requestId = fakes.received[0]?.requestId;
    expect(events).toEqual([['info', 'connected_in_part', { requestId, resources: refusedResources[0] }]]);
    fakes.outcome = anOutcome('GRANTED', { refusedResources: [] });
    expect(await (await get(`/oauth2/callback?code=c&state=${STATE}`)).text()).not.toContain(
      'does not allow everything',
    );
  });

  test('logs each reference that it shows', async () => {
    const events: unknown[] = [];
    await web.close(100);
    web = await start({ event: (...event) => void events.push(event) });
    base = `http://${web.address}`;
    fakes.outcome = anOutcome('APP_CREDENTIAL_EXPIRED');
    const html = await (await get(`/oauth2/callback?code=c&state=${STATE}`)).text();
    const requestId = fakes.received[0]?.requestId ?? 'none';
    expect(html).toContain(`<code>${requestId}</code>`);
    const fields = {
      requestId,
      flow: 'user',
      reason: 'APP_CREDENTIAL_EXPIRED',
      resource: '',
      entraError: '',
      hint: '',
    };
    expect(events).toEqual([['warn', 'browser_flow_failed', fields]]);
  });

  test.each([
    ['ENTRA_UNAVAILABLE', 503],
    ['INTERNAL', 500],
    ['RATE_LIMITED', 429],
    ['APP_MISCONFIGURED', 400],
  ] as const)('answers %s with %d', async (outcome, status) => {
    fakes.outcome = anOutcome(outcome);
    expect((await get(`/oauth2/callback?code=c&state=${STATE}`)).status).toBe(status);
  });

  test('shows an error in its own words, and nothing of the request', async () => {
    fakes.outcome = anOutcome('AUTHORIZATION_DECLINED');
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
    ['two descriptions', `state=${STATE}&error=e&error_description=d&error_description=d`],
    ['nothing', ''],
  ])('is not called with %s', async (_, query) => {
    expect((await get(`/oauth2/callback?${query}`)).status).toBe(400);
    expect(fakes.received).toEqual([]);
  });

  test('thanks an administrator who returns from the admin consent URL of next_steps', async () => {
    const query = new URLSearchParams({ admin_consent: 'True', tenant: XSS, scope: XSS, state: 'admin-consent' });
    const answer = await get(`/oauth2/callback?${query}`);
    const html = await answer.text();
    expect([answer.status, html.includes('If you approved the app')]).toEqual([200, true]);
    expect(html).not.toMatch(/alert|script|admin-consent/);
    expect(fakes.received).toEqual([]);
  });

  test('does not use the state up for HEAD or OPTIONS', async () => {
    for (const method of ['HEAD', 'OPTIONS', 'PUT']) {
      expect((await get(`/oauth2/callback?code=c&state=${STATE}`, { method })).status).toBe(405);
    }
    expect(fakes.received).toEqual([]);
  });

  test('rejects an address or form that is too long', async () => {
    expect((await get(`/oauth2/callback?code=${'c'.repeat(9_000)}&state=${STATE}`)).status).toBe(414);
    expect((await get(`/oauth2/callback?code=${'c'.repeat(20_000)}&state=${STATE}`)).status).toBe(431);
    const body = new URLSearchParams({ code: 'c'.repeat(20_000), state: STATE });
    expect((await get('/oauth2/callback', { method: 'POST', body })).status).toBe(413);
    expect(fakes.received).toEqual([]);
  });

  test('rejects an endless body, and one that is not a form', async () => {
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

describe("an administrator's consent", () => {
  const query = (more: object) => new URLSearchParams({ state: ADMIN_STATE, ...more });

  test('has its own page, and the button leads to Entra', async () => {
    for (const method of ['GET', 'HEAD']) expect((await get(`/admin-consent/${HANDLE}`, { method })).status).toBe(200);
    const html = await (await get(`/admin-consent/${HANDLE}`)).text();
    expect(html).toContain('<form method="post"');
    expect(html).toContain('Only an administrator can approve this');
    expect(html).not.toContain('<script>');
    expect(fakes.opened).toEqual([]);

    const answer = await get(`/admin-consent/${HANDLE}`, { method: 'POST' });
    expect([answer.status, answer.headers.get('location')]).toEqual([303, fakes.entra]);
  });

  test('does not repeat an unknown handle', async () => {
    const answer = await get(`/admin-consent/${encodeURIComponent(XSS)}`);
    expect([answer.status, /script|%3C/i.test(await answer.text())]).toEqual([404, false]);
  });

  test('returns to the same callback, which recognizes its state', async () => {
    const answer = await get(`/oauth2/callback?${query({ admin_consent: 'True', tenant: 'contoso', scope: XSS })}`);
    const html = await answer.text();
    expect([answer.status, html.includes('Approved for your organization')]).toEqual([200, true]);
    expect(html).not.toMatch(/contoso|alert|script|admin\./);
    expect(fakes.receivedOfAdministrators).toMatchObject([
      { state: ADMIN_STATE, answer: { granted: true, directoryId: 'contoso' } },
    ]);
    expect(fakes.received).toEqual([]);
  });

  test('may return as a form, and as an error', async () => {
    fakes.adminOutcome = { outcome: 'AUTHORIZATION_DECLINED', returnUrl: undefined, product: PRODUCT };
    const body = query({ error: 'access_denied', error_description: XSS, admin_consent: 'True' });
    const answer = await get('/oauth2/callback', { method: 'POST', body });
    expect([answer.status, (await answer.text()).includes('Not approved')]).toEqual([400, true]);
    expect(fakes.receivedOfAdministrators).toMatchObject([{ answer: { error: 'access_denied' } }]);
  });

  test('redirects to the product after success, and explains a failure first', async () => {
    fakes.adminOutcome = { ...fakes.adminOutcome, returnUrl: RETURN_URL };
    const granted = `/oauth2/callback?${query({ admin_consent: 'True' })}`;
    expect((await get(granted)).headers.get('location')).toBe(RETURN_URL);
    fakes.adminOutcome = { ...fakes.adminOutcome, outcome: 'DIRECTORY_NOT_ALLOWED' };
    const html = await (await get(granted)).text();
    expect(html).toContain('Another organization was expected');
    expect(html).toContain('Back to <strong>');
  });

  test.each([
    ['no answer', {}],
    ['a false value', { admin_consent: 'False' }],
    ["a user's", { code: 'c' }],
  ])('is not called with %s', async (_, more) => {
    expect((await get(`/oauth2/callback?${query(more)}`)).status).toBe(400);
    expect((await get(`/oauth2/callback?${query({ ...more, admin_consent: 'True' })}&state=${STATE}`)).status).toBe(
      400,
    );
    expect([fakes.receivedOfAdministrators, fakes.received]).toEqual([[], []]);
  });
});

describe('a logo', () => {
  test('is exactly the image, cacheable for ever, and nothing but an image', async () => {
    const answer = await get(`/logos/${LOGO.hash}`);
    const headers = Object.fromEntries(answer.headers);
    expect(Buffer.from(await answer.arrayBuffer()).equals(LOGO.image)).toBe(true);
    expect(headers).toMatchObject({
      'content-type': 'image/png',
      'content-length': '8',
      'cache-control': 'public, max-age=31536000, immutable',
      'content-security-policy': "default-src 'none'; sandbox",
      'cross-origin-resource-policy': 'same-origin',
      'x-content-type-options': 'nosniff',
    });
    const head = await get(`/logos/${LOGO.hash}`, { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length')]).toEqual([200, '8']);
  });

  test.each(['f'.repeat(64), 'F'.repeat(64), '../etc/passwd', `${LOGO.hash}0`, LOGO.hash.toUpperCase()])(
    'is not there, and no one keeps that: %s',
    async (hash) => {
      const answer = await get(`/logos/${hash}`);
      expect([answer.status, answer.headers.get('cache-control')]).toEqual([404, 'no-store']);
    },
  );

  test('accepts no other method', async () => {
    const answer = await get(`/logos/${LOGO.hash}`, { method: 'POST' });
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  });
});

describe('an unknown address', () => {
  test('has a page for browsers, and a line of text for others', async () => {
    const accept = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';
    const page = await get('/nothing', { headers: { accept } });
    expect([page.status, page.headers.get('content-type')]).toEqual([404, 'text/html; charset=utf-8']);
    expect(await page.text()).toContain('<h1>Page not found</h1>');
    for (const others of ['*/*', 'application/json', 'text/plain']) {
      const line = await get('/nothing', { headers: { accept: others } });
      expect(line.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    }
  });

  test('has a page for unknown methods too', async () => {
    const page = await get('/oauth2/callback', { method: 'PUT', headers: { accept: 'text/html' } });
    expect([page.status, page.headers.get('allow')]).toEqual([405, 'GET, POST']);
    expect(await page.text()).toContain('<h1>');
  });
});

test('a callback in progress is answered before the listener closes', async () => {
  const arrived = Promise.withResolvers<void>();
  const finish = Promise.withResolvers<void>();
  Object.defineProperty(fakes, 'meanwhile', {
    get() {
      arrived.resolve();
      return finish.promise;
    },
  });
  const answer = get(`/oauth2/callback?code=c&state=${STATE}`);
  await arrived.promise;
  let closed = false;
  const closing = web.close(10_000).then(() => {
    closed = true;
  });
  await expect(get('/nothing')).rejects.toThrow();
  expect(closed).toBe(false);
  finish.resolve();
  expect((await answer).status).toBe(200);
  await closing;
});

describe('every response', () => {
  test.each([
    `/connect/${HANDLE}`,
    '/connect/unknown',
    `/oauth2/callback?code=c&state=${STATE}`,
    '/oauth2/callback',
    '/nothing',
  ])('is not cached, not framed and sends no referrer: %s', async (path) => {
    const { headers } = await get(path);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('strict-transport-security')).toContain('max-age');
    const policy = headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).toContain("img-src 'self';");
    expect(policy).not.toMatch(/unsafe|script-src|http:|data:/);
  });

  test.each([
    ['style', undefined, 1],
    ['styles, with an accent colour', '#0f766e', 2],
  ])('names the hash of its %s, and no other source', async (_, accentColor, count) => {
    const product = { ...PRODUCT, branding: { accentColor } };
    fakes.description = { ...fakes.description, product };
    fakes.outcome = anOutcome('APP_CREDENTIAL_EXPIRED', { product });
    for (const path of [`/connect/${HANDLE}`, `/oauth2/callback?code=c&state=${STATE}`]) {
      const answer = await get(path);
      const styles = [...(await answer.text()).matchAll(/<style>(.*?)<\/style>/gs)].map(([, style = '']) => style);
      const hashes = styles.map((style) => `'sha256-${createHash('sha256').update(style).digest('base64')}'`);
      expect(hashes).toHaveLength(count);
      expect(answer.headers.get('content-security-policy')).toContain(`style-src ${hashes.join(' ')};`);
    }
  });

  test.each(['#0f766e}body{display:none}', '</style><script>alert(1)</script>', 'red'])(
    'has no style from a stored text that is no colour: %s',
    async (accentColor) => {
      fakes.description = { ...fakes.description, product: { ...PRODUCT, branding: { accentColor } } };
      const answer = await get(`/connect/${HANDLE}`);
      const html = await answer.text();
      expect(html.match(/<style>/g)).toHaveLength(1);
      expect(html).not.toMatch(/display:none}|<script/);
      expect(answer.headers.get('content-security-policy')).not.toContain("' 'sha256-");
    },
  );

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
  ])('to an invalid request line is an error: %j', async (text) => {
    const answer = await raw(text);
    expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /);
    expect(answer).not.toMatch(/evil|set-cookie/i);
    expect(fakes.received).toEqual([]);
  });

  test('after an internal error is a 500 page, and the log has no message of the error', async () => {
    const events: LogEvents['internal_error'][] = [];
    await web.close(100);
    web = await start({ event: (_level, _name, fields) => void events.push(fields as LogEvents['internal_error']) });
    base = `http://${web.address}`;
    fakes.failure = new TypeError('canary-in-a-message\n    and more of it');

    const answer = await get(`/connect/${HANDLE}`);

    expect([answer.status, (await answer.text()).includes('canary')]).toEqual([500, false]);
    expect(events[0]).toMatchObject({ error: 'TypeError' });
    expect(JSON.stringify(events)).not.toMatch(/canary|more of it/);
    expect(events[0]?.stack).toContain('web_server.test.ts');
  });

  test('after a browser that disconnects during a form is not an internal error', async () => {
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
    // Answered after the one that disconnected.
    expect((await get('/nothing')).status).toBe(404);
    await web.close(1_000);
    expect(JSON.stringify(events)).not.toContain('internal_error');
    expect(fakes.received).toEqual([]);
  });

  test('for a suspended tenant says so in general words', async () => {
    fakes.failure = new VaultError('TENANT_SUSPENDED', 'tenants/acme is suspended');
    const answer = await get(`/connect/${HANDLE}`);
    expect([answer.status, (await answer.text()).includes('acme')]).toEqual([400, false]);
  });
});
