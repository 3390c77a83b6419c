import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { REASONS, VaultError } from '../../src/model/errors.ts';
import type { LogEvents } from '../../src/telemetry/log_events.ts';
import { newReference } from '../../src/web/new_reference.ts';
import { createFailureReports } from '../../src/web/report_failure_page.ts';
import { startWebServer, type WebServer } from '../../src/web/web_server.ts';
import { ADMIN_STATE, anOutcome, createFakeWebParts, HANDLE, STATE } from './fake_web_parts.ts';

const REFERENCE = /\b[0-9A-HJKMNP-TV-Z]{4}(?:-[0-9A-HJKMNP-TV-Z]{4}){2}\b/g;
const CALLBACK = `/oauth2/callback?code=c&state=${STATE}`;
const ADMIN_CALLBACK = `/oauth2/callback?admin_consent=True&tenant=t&state=${ADMIN_STATE}`;

interface Line {
  readonly level: string;
  readonly name: keyof LogEvents;
  readonly fields: Readonly<Record<string, unknown>>;
}

const fakes = createFakeWebParts();
const lines: Line[] = [];
const audited: { readonly requestId: string; readonly reason: string }[] = [];
/** A second in which no page of these tests is the twenty-first. */
let now = 0;
let web: WebServer;

beforeAll(async () => {
  web = await startWebServer({
    ...fakes,
    get authorizations() {
      return fakes.authorizations;
    },
    address: '127.0.0.1:0',
    publicUrl: 'http://127.0.0.1',
    clock: { now: () => now },
    log: { event: (level, name, fields) => void lines.push({ level, name, fields: { ...fields } }) },
    audit: async ({ requestId }, reason) => void audited.push({ requestId, reason }),
  });
});
afterAll(() => web.close(100));
beforeEach(() => {
  now += 1_000;
  lines.length = 0;
  audited.length = 0;
  fakes.failure = undefined;
  fakes.outcome = anOutcome('GRANTED');
});

async function get(path: string, init: RequestInit = {}) {
  const headers = { accept: 'text/html', ...init.headers };
  const response = await fetch(`http://${web.address}${path}`, { redirect: 'manual', ...init, headers });
  return { status: response.status, body: await response.text() };
}

const linesOf = (reference: string) => lines.filter(({ fields }) => fields['requestId'] === reference);

/** The page's only reference, which exactly one line has. */
function expectReference(body: string): { readonly reference: string; readonly line: Line | undefined } {
  const found = [...new Set(body.match(REFERENCE))];
  expect(found).toHaveLength(1);
  const [reference = ''] = found;
  expect(linesOf(reference)).toHaveLength(1);
  return { reference, line: linesOf(reference)[0] };
}

const FORM = { method: 'POST', body: new URLSearchParams({ state: STATE, code: 'c'.repeat(20_000) }) };

test.each<[string, string, RequestInit, number, keyof LogEvents]>([
  ['an unknown address', '/nothing', {}, 404, 'browser_request_refused'],
  ['a wrong method', '/oauth2/callback', { method: 'DELETE' }, 405, 'browser_request_refused'],
  ['a response that is too long', `${CALLBACK}&x=${'x'.repeat(9_000)}`, {}, 414, 'browser_request_refused'],
  ['a form that is too large', '/oauth2/callback', FORM, 413, 'browser_request_refused'],
  ['a response that is no form', '/oauth2/callback', { method: 'POST', body: '{}' }, 415, 'browser_request_refused'],
  ['an unknown link', `/connect/${'x'.repeat(43)}`, {}, 404, 'browser_flow_failed'],
  ["an unknown administrator's link", `/admin-consent/${'x'.repeat(43)}`, {}, 404, 'browser_flow_failed'],
  ['an invalid callback', '/oauth2/callback', {}, 400, 'browser_flow_failed'],
])('the page about %s has a reference, in German too', async (_, path, init, status, name) => {
  for (const language of ['en', 'de']) {
    const { body, ...page } = await get(path, { ...init, headers: { 'accept-language': language } });
    expect(page.status).toBe(status);
    expect(body).toContain(`<html lang="${language}"`);
    expect(expectReference(body).line).toMatchObject({ level: 'info', name });
  }
  expect(audited).toEqual([]);
});

test.each(['CANCELLED', ...REASONS] as const)(
  'the page of a callback that ends with %s has a reference',
  async (outcome) => {
    fakes.outcome = anOutcome(outcome);
    fakes.adminOutcome = anOutcome(outcome);
    for (const [path, flow] of [
      [CALLBACK, 'user'],
      [ADMIN_CALLBACK, 'administrator'],
    ] as const) {
      const { body } = await get(path);
      if (outcome === 'CANCELLED') {
        expect([body.match(REFERENCE), lines]).toEqual([null, []]);
      } else {
        const { reference, line } = expectReference(body);
        expect(line).toMatchObject({ name: 'browser_flow_failed', fields: { flow, reason: outcome } });
        if (outcome !== 'STATE_INVALID') expect(audited).toContainEqual({ requestId: reference, reason: outcome });
      }
    }
  },
);

test.each(['DATABASE_UNAVAILABLE', 'OVERLOADED', 'AUDIT_UNAVAILABLE', 'TENANT_SUSPENDED'] as const)(
  'the page of a link that fails with %s has a reference',
  async (reason) => {
    fakes.failure = new VaultError(reason, 'failed');
    for (const path of [`/connect/${HANDLE}`, `/admin-consent/${HANDLE}`])
      for (const method of ['GET', 'POST']) {
        const { reference } = expectReference((await get(path, { method })).body);
        expect(audited).toContainEqual({ requestId: reference, reason });
      }
  },
);

test('the reference of an internal error leads to its class and place, in one line', async () => {
  fakes.failure = new TypeError('canary');
  const { reference, line } = expectReference((await get(`/connect/${HANDLE}`)).body);
  expect(line).toMatchObject({ level: 'error', name: 'internal_error', fields: { error: 'TypeError', resource: '' } });
  expect(audited).toEqual([{ requestId: reference, reason: 'INTERNAL' }]);
});

test('pages that are no error have no reference and no line', async () => {
  for (const path of [`/connect/${HANDLE}`, CALLBACK, '/oauth2/callback?admin_consent=True&tenant=t'])
    expect((await get(path)).body).not.toMatch(REFERENCE);
  expect([lines, audited]).toEqual([[], []]);
});

test('a request that is not for a page, such as one for an icon, has a line of text and none in the log', async () => {
  const { body } = await get('/favicon.ico', { headers: { accept: 'image/avif,image/webp,*/*;q=0.8' } });
  expect([body, lines]).toEqual(['Page not found\n', []]);
});

test('scanners cannot fill the log: a page without a line shows no reference, and the number is logged', async () => {
  for (let page = 0; page < 20; page += 1) expectReference((await get('/nothing')).body);
  for (const path of ['/nothing', `/connect/${'x'.repeat(43)}`]) expect((await get(path)).body).not.toMatch(REFERENCE);
  expect(lines).toHaveLength(20);

  now += 1_000;
  expectReference((await get('/nothing')).body);
  expect(lines[20]).toEqual({ level: 'warn', name: 'browser_failures_not_logged', fields: { pages: 2 } });
});

test('a page about a known connection has its line, however many there are', async () => {
  const logged: string[] = [];
  const log = { event: (_: string, name: string) => void logged.push(name) };
  const reports = createFailureReports({ log, clock: { now: () => 0 } });
  const trace = { resource: 'tenants/acme/connections/ada', audited: false, peer: 'x' };
  for (let page = 0; page < 50; page += 1) {
    const failure = { flow: 'user', reason: 'STATE_INVALID' } as const;
    expect(await reports.flowFailed({ requestId: `${page}`, trace }, failure)).toBe(`${page}`);
  }
  expect(logged).toHaveLength(50);
});

test('a reference has 60 random bits, in letters that are not misread', () => {
  const references = Array.from({ length: 1_000 }, newReference);
  expect(new Set(references).size).toBe(1_000);
  for (const reference of references) expect(reference).toMatch(/^[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){2}$/);
  expect(new Set(references.join('').replaceAll('-', '')).size).toBe(32);
});

test('nothing of the request reaches the line of a refused request', async () => {
  const [host, port] = web.address.split(':');
  const socket = connect(Number(port), host);
  await once(socket, 'connect');
  socket.write(
    'GET /canary?canary HTTP/1.1\r\nHost: canary\r\nUser-Agent: canary\r\nAccept: text/html\r\nConnection: close\r\n\r\n',
  );
  expect(await text(socket)).toContain('404');
  expect(lines).toHaveLength(1);
  expect(JSON.stringify(lines)).not.toContain('canary');
});
