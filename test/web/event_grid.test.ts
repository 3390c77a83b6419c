import { randomUUID } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createKeyVaultSecrets } from '../../src/keyring/keyvault_client_secrets.ts';
import { systemClock } from '../../src/model/clock.ts';
import { VaultError } from '../../src/model/errors.ts';
import { Secret } from '../../src/model/secret.ts';
import type { EventGridParts } from '../../src/web/event_grid_secret_change_handler.ts';
import { startWebServer, type WebServer } from '../../src/web/web_server.ts';
import { createFakeWebParts, HANDLE } from './fake_web_parts.ts';

const VAULT = 'https://acme-kv.vault.azure.net';
const KEY = 'the-key-of-this-vault-0123456789';
const NEXT_KEY = 'the-next-key-of-this-vault-01234';
const SECRET = `${VAULT}/secrets/mail`;

let web: WebServer;
let base: string;
/** The reported secrets. */
let received: string[];
/** How many apps refer to a secret. */
let apps: number;
let failure: Error | undefined;
let counts: Record<string, number>;
let logged: unknown[];

beforeEach(async () => {
  [received, apps, failure, counts, logged] = [[], 1, undefined, {}, []];
  await start({
    keys: () => [new Secret(KEY), new Secret(NEXT_KEY)],
    keyVaults: [VAULT],
    secretSource: createKeyVaultSecrets({
      vaults: [VAULT],
      keySource: `keyvault-secret:${VAULT}/secrets/kek`,
      clock: systemClock,
    }),
    secretChanges: {
      async onSecretChanged(uri) {
        if (failure !== undefined) throw failure;
        received.push(uri);
        return apps;
      },
    },
    metrics: {
      received(outcome, count = 1) {
        counts[outcome] = (counts[outcome] ?? 0) + count;
      },
    },
  });
});
afterEach(() => web.close(100));

async function start(eventGrid: EventGridParts | undefined): Promise<void> {
  const log = { event: (...event: unknown[]) => void logged.push(event) };
  const publicUrl = 'https://vault.example';
  web = await startWebServer({ ...createFakeWebParts(), address: '127.0.0.1:0', publicUrl, log, eventGrid });
  base = `http://${web.address}`;
}

const post = (body: unknown, { type = 'application/json', key = KEY, headers = {} }: Posting = {}) =>
  fetch(`${base}/event-grid?key=${key}`, {
    method: 'POST',
    headers: { 'content-type': type, 'aeg-event-type': 'Notification', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });

interface Posting {
  type?: string;
  key?: string;
  headers?: Record<string, string>;
}

/** As Microsoft shows it: https://learn.microsoft.com/azure/event-grid/event-schema-key-vault */
function gridEvent(more: object = {}, data: object = {}) {
  return {
    id: randomUUID(),
    topic: '/subscriptions/s/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/acme-kv',
    subject: 'mail',
    eventType: 'Microsoft.KeyVault.SecretNewVersionCreated',
    eventTime: '2031-01-01T01:08:33.1036736Z',
    data: {
      Id: `${SECRET}/ee059b2bb5bc48398a53b168c6cdcb10`,
      VaultName: 'acme-kv',
      ObjectType: 'Secret',
      ObjectName: 'mail',
      Version: 'ee059b2bb5bc48398a53b168c6cdcb10',
      NBF: '1559081980',
      EXP: '1559082102',
      ...data,
    },
    dataVersion: '1',
    metadataVersion: '1',
    ...more,
  };
}

function cloudEvent(more: object = {}) {
  const { id, topic, subject, eventType, eventTime, data } = gridEvent();
  return { id, source: topic, subject, type: eventType, time: eventTime, data, specversion: '1.0', ...more };
}

describe('an event', () => {
  test.each(['SecretNearExpiry', 'SecretNewVersionCreated', 'SecretExpired'])('is accepted: %s', async (name) => {
    const answer = await post([gridEvent({ eventType: `Microsoft.KeyVault.${name}` })]);

    expect(answer.status).toBe(200);
    expect(received).toEqual([SECRET]);
    expect(counts).toEqual({ accepted: 1 });
  });

  test('is accepted as a CloudEvent, and in a batch', async () => {
    expect((await post(cloudEvent(), { type: 'application/cloudevents+json; charset=utf-8' })).status).toBe(200);
    const batch = [cloudEvent(), cloudEvent()];
    expect((await post(batch, { type: 'application/cloudevents-batch+json; charset=utf-8' })).status).toBe(200);

    // Each secret is reported once per post.
    expect([received, counts]).toEqual([[SECRET, SECRET], { accepted: 3 }]);
  });

  test.each([
    ['as in Microsoft’s example', { vaultName: 'acme-kv', 'objectName ': 'mail', version: ' ee05' }],
    ['in lower case', { id: SECRET }],
    ['in capitals', { ID: SECRET.toUpperCase() }],
    ['with separators', { vault_name: 'ACME-KV', 'Object-Name': 'Mail' }],
    ['with spaces around', { ' Id': ` ${SECRET}/v1 ` }],
    ['with an invalid id', { Id: 42, VaultName: 'acme-kv', ObjectName: 'mail' }],
    ['with an id of another kind', { Id: '/subscriptions/s/mail', VaultName: 'acme-kv', ObjectName: 'mail' }],
  ])('is accepted with any spelling of its fields: %s', async (_, data) => {
    await post([gridEvent({ data })]);

    expect([received, counts]).toEqual([[SECRET], { accepted: 1 }]);
  });

  test('is counted separately if no credential refers to its secret', async () => {
    apps = 0;
    expect((await post([gridEvent()])).status).toBe(200);

    expect(counts).toEqual({ unreferenced: 1 });
  });

  test('is handled once, however often it is delivered', async () => {
    const event = gridEvent();
    for (const body of [[event], [event, event], { ...event }]) expect((await post(body)).status).toBe(200);
    await post([{ ...event, id: randomUUID() }]);

    expect([received.length, counts]).toEqual([2, { accepted: 2, replayed: 3 }]);
  });

  test('that is twice in one post counts once', async () => {
    const event = gridEvent();
    await post([event, event]);

    expect(counts).toEqual({ accepted: 1, replayed: 1 });
  });

  test('with the same id from another source is another event', async () => {
    const event = cloudEvent();
    await post([event, { ...event, source: '/another' }]);

    expect(counts).toEqual({ accepted: 2 });
  });

  test.each([
    ['of another key vault', { Id: 'https://other-kv.vault.azure.net/secrets/mail/v1' }],
    ['of another key vault by its name', { Id: undefined, VaultName: 'other-kv' }],
    ['of a similar host', { Id: 'https://acme-kv.vault.azure.net.evil.example/secrets/mail' }],
    ['of the root key', { Id: `${VAULT}/secrets/KEK/v1` }],
    ['with a query', { Id: `${SECRET}?x=y` }],
  ])('is foreign when it is %s', async (_, data) => {
    expect((await post([gridEvent({}, data)])).status).toBe(200);

    expect([received, counts]).toEqual([[], { foreign: 1 }]);
  });

  test.each(['Microsoft.KeyVault.KeyNearExpiry', 'Microsoft.Storage.BlobCreated', 'x'])(
    'of another type is let go: %s',
    async (eventType) => {
      expect((await post([gridEvent({ eventType })])).status).toBe(200);

      expect([received, counts]).toEqual([[], { foreign_type: 1 }]);
    },
  );

  test.each([
    ['no id', { id: undefined }],
    ['an empty id', { id: ' ' }],
    ['a very long id', { id: 'i'.repeat(3_000) }],
    ['no type', { eventType: undefined }],
    ['a type that is not a string', { eventType: ['Microsoft.KeyVault.SecretExpired'] }],
    ['no data', { data: undefined }],
    ['data that is not an object', { data: 'secret' }],
    ['data without a secret', { data: { Version: 'v1' } }],
    ['an invalid vault name', { data: { VaultName: 'acme-kv.evil.example/', ObjectName: 'mail' } }],
  ])('is malformed with %s', async (_, more) => {
    expect((await post([gridEvent(more)])).status).toBe(200);

    expect([received, counts]).toEqual([[], { malformed: 1 }]);
  });

  test('that is malformed does not affect others in the same post', async () => {
    const other = gridEvent({}, { Id: `${VAULT}/secrets/other` });
    await post([null, 5, 'x', [], gridEvent({ eventType: 'x' }), gridEvent(), other]);

    expect(received).toEqual([SECRET, `${VAULT}/secrets/other`]);
    expect(counts).toEqual({ malformed: 4, foreign_type: 1, accepted: 2 });
  });

  test('is resent after a database failure, and is not a replay then', async () => {
    const events = [gridEvent()];
    failure = new VaultError('DATABASE_UNAVAILABLE', 'away');
    expect((await post(events)).status).toBe(503);
    failure = undefined;
    expect((await post(events)).status).toBe(200);

    expect([received, counts]).toEqual([[SECRET], { accepted: 1, failed: 1 }]);
  });

  test('is resent after an internal error, whose message is not disclosed', async () => {
    failure = new TypeError(`canary ${SECRET}`);
    const answer = await post([gridEvent()]);

    expect([answer.status, (await answer.text()).includes('canary')]).toEqual([500, false]);
    expect(JSON.stringify(logged)).toContain('internal_error');
    expect(JSON.stringify(logged)).not.toMatch(/canary|the-key/);
  });
});

describe('the handshake', () => {
  const validation = (data: unknown) => ({
    id: randomUUID(),
    topic: '/subscriptions/s',
    subject: '',
    eventType: 'Microsoft.EventGrid.SubscriptionValidationEvent',
    eventTime: '2031-01-01T01:08:33Z',
    data,
  });
  const code = '512d38b6-c7b8-40c8-89fe-f46f9e9622b6';

  test('of Event Grid’s schema returns the code', async () => {
    const answer = await post(
      [validation({ validationCode: code, validationUrl: 'https://rp.eventgrid.azure.net/x' })],
      {
        headers: { 'aeg-event-type': 'SubscriptionValidation' },
      },
    );

    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/json']);
    expect(await answer.json()).toEqual({ validationResponse: code });
    expect([received, counts]).toEqual([[], {}]);
  });

  test.each([[{}], [{ validationCode: '<script>' }], [{ validationCode: 5 }], [null]])(
    'tells nothing but a code: %j',
    async (data) => {
      const answer = await post([validation(data)]);

      expect([answer.status, (await answer.text()).includes('script')]).toEqual([400, false]);
    },
  );

  const options = (headers: Record<string, string>, key = KEY) =>
    fetch(`${base}/event-grid?key=${key}`, { method: 'OPTIONS', headers });

  test('of CloudEvents allows the sender', async () => {
    const answer = await options({
      'WebHook-Request-Origin': 'eventgrid.azure.net',
      'WebHook-Request-Callback': 'https://rp-eastus.eventgrid.azure.net/x',
      'WebHook-Request-Rate': '120',
    });

    expect(answer.status).toBe(200);
    expect(answer.headers.get('webhook-allowed-origin')).toBe('eventgrid.azure.net');
    expect(answer.headers.get('webhook-allowed-rate')).toBe('*');
    expect(answer.headers.get('allow')).toContain('POST');
  });

  test.each([{}, { 'WebHook-Request-Origin': 'a b' }, { 'WebHook-Request-Origin': '<script>' }])(
    'allows nobody who does not say who sends: %j',
    async (headers) => {
      const answer = await options(headers as Record<string, string>);

      expect([answer.status, answer.headers.get('webhook-allowed-origin')]).toEqual([400, null]);
    },
  );

  test('of CloudEvents needs the key', async () => {
    const answer = await options({ 'WebHook-Request-Origin': 'eventgrid.azure.net' }, 'another');

    expect([answer.status, answer.headers.get('webhook-allowed-origin')]).toEqual([401, null]);
  });
});

describe('the key', () => {
  const send = (query: string, headers: Record<string, string> = {}) =>
    fetch(`${base}/event-grid${query}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify([gridEvent()]),
    });

  test('may be in a header, and may be the next key', async () => {
    expect((await send('', { 'tokenvault-event-grid-key': KEY })).status).toBe(200);
    expect((await send(`?x=y&key=${NEXT_KEY}`)).status).toBe(200);
  });

  test.each([
    ['', {}],
    ['?key=', {}],
    ['?key=wrong', {}],
    [`?key=${KEY}x`, {}],
    [`?key=${KEY.slice(0, -1)}`, {}],
    [`?key=${KEY}&key=${KEY}`, {}],
    [`?KEY=${KEY}`, {}],
    ['', { 'tokenvault-event-grid-key': 'wrong' }],
    ['', { authorization: `Bearer ${KEY}` }],
  ])('is wrong, so nothing is accepted: %s %j', async (query, headers) => {
    const answer = await send(query, headers);

    expect([answer.status, answer.headers.get('cache-control')]).toEqual([401, 'no-store']);
    expect(await answer.text()).not.toContain('the-key');
    expect([received, counts, logged]).toEqual([[], { unauthorized: 1 }, []]);
  });

  test('is checked before the body is read', async () => {
    const status = await streamed('/event-grid?key=wrong', ['[']);

    expect([status, counts]).toEqual([401, { unauthorized: 1 }]);
  });
});

/** The status for a request that starts with `chunks` and never completes. */
function streamed(path: string, chunks: readonly string[]): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(`${base}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'transfer-encoding': 'chunked' },
    });
    request.on('response', (response) => {
      resolve(response.statusCode);
      request.destroy();
    });
    request.on('error', reject);
    for (const chunk of chunks) request.write(chunk);
  });
}

describe('a body', () => {
  test.each(['{', '', '[', 'null', '5', '"x"', 'undefined', '[{}', '\u0000'])(
    'is rejected if it is %j',
    async (body) => {
      expect((await post(body)).status).toBe(400);
      expect([received, counts]).toEqual([[], {}]);
    },
  );

  test('may begin with a byte order mark, and may contain no events', async () => {
    expect((await post(`\ufeff${JSON.stringify([gridEvent()])}`)).status).toBe(200);
    expect((await post([])).status).toBe(200);
    expect(counts).toEqual({ accepted: 1 });
  });

  test.each(['text/plain', 'application/x-www-form-urlencoded', 'application/xml', ''])(
    'is refused when it is not said to be JSON: %j',
    async (type) => {
      expect((await post([gridEvent()], { type })).status).toBe(415);
    },
  );

  test('is rejected if its length is too large, declared or real', async () => {
    const request = `POST /event-grid?key=${KEY} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n`;
    expect(await raw(`${request}Content-Length: 10485760\r\n\r\n[`)).toMatch(
      /^HTTP\/1\.1 413 [\s\S]*connection: close/i,
    );
    expect(await streamed(`/event-grid?key=${KEY}`, [`"${'x'.repeat(2 ** 20)}`])).toBe(413);
    expect(received).toEqual([]);
  });

  test('is rejected with too many events, and accepted with the maximum', async () => {
    const slim = (count: number) =>
      Array.from({ length: count }, (_, at) => ({
        id: String(at),
        type: 'Microsoft.KeyVault.SecretExpired',
        data: { Id: `${VAULT}/secrets/s${at % 7}` },
      }));
    expect((await post(slim(1_001))).status).toBe(413);
    expect(received).toEqual([]);
    expect((await post(slim(1_000))).status).toBe(200);
    expect([received.length, counts]).toEqual([7, { accepted: 1_000 }]);
  });

  test('may be deeply nested', async () => {
    const deep = '['.repeat(200_000) + ']'.repeat(200_000);
    expect((await post(deep)).status).toBe(200);
    expect(counts).toEqual({ malformed: 1 });
  });

  test('that never completes does no harm', async () => {
    const socket = connect(Number(web.address.split(':')[1]), '127.0.0.1');
    socket.write(
      `POST /event-grid?key=${KEY} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n[{`,
      () => socket.destroy(),
    );
    await new Promise((resolve) => socket.on('close', resolve));

    expect((await post([gridEvent()])).status).toBe(200);
    await web.close(1_000);
    expect(logged).toEqual([]);
  });

  test('of any JSON is answered, and never with an internal error', async () => {
    const word = fc.constantFrom(
      'id',
      'Id',
      'eventType',
      'type',
      'source',
      'data',
      'VaultName',
      'objectName',
      'validationCode',
    );
    const text = fc.constantFrom(
      SECRET,
      'acme-kv',
      'mail',
      'Microsoft.KeyVault.SecretExpired',
      'Microsoft.EventGrid.SubscriptionValidationEvent',
      '__proto__',
      'https://[/secrets/x',
    );
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof({ maxDepth: 4 }, text, fc.jsonValue(), fc.array(tie('value'), { maxLength: 4 }), tie('fields')),
      fields: fc.dictionary(word, tie('value'), { maxKeys: 6 }),
    }));
    await fc.assert(
      fc.asyncProperty(value, async (body) => {
        expect((await post(JSON.stringify(body))).status).toBeLessThan(500);
      }),
      { numRuns: 100 },
    );
    expect(logged).toEqual([]);
  });
});

/** Sends a request that `fetch` cannot send. */
function raw(text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(web.address.split(':')[1]), '127.0.0.1', () => socket.write(text));
    let answer = '';
    socket.setEncoding('utf8').on('data', (chunk) => {
      answer += chunk;
    });
    socket.on('close', () => resolve(answer)).on('error', reject);
  });
}

describe('the address', () => {
  test('accepts no other method', async () => {
    for (const method of ['GET', 'HEAD', 'PUT', 'DELETE']) {
      const answer = await fetch(`${base}/event-grid?key=${KEY}`, { method });
      expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST, OPTIONS']);
    }
  });

  test('does not exist without a key; other addresses have no OPTIONS', async () => {
    await web.close(100);
    await start(undefined);

    for (const method of ['POST', 'OPTIONS', 'GET']) {
      expect((await fetch(`${base}/event-grid?key=`, { method })).status).toBe(404);
    }
    expect((await fetch(`${base}/connect/${HANDLE}`, { method: 'OPTIONS' })).status).toBe(405);
  });
});
