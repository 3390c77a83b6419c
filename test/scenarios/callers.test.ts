import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newApiKey } from '../../src/model/api_key.ts';
import { GUID } from '../../src/model/id_patterns.ts';
import { callersFile } from './callers_file.ts';
import { importAda, type Onboarded, onboard, RETURN_URL } from './onboard.ts';
import { type Clients, failureOf, reasonOf, type Scenario, startScenario } from './start_scenario.ts';

const DAY = 86_400_000;

/** In the audit log. */
const peer = expect.stringMatching(/^(::ffff:)?127\.0\.0\.1:\d+$/);

const keys = {
  operator: newApiKey('operator'),
  product: newApiKey('product'),
  reader: newApiKey('reader'),
  expiring: newApiKey('expiring'),
  other: newApiKey('other'),
};

const callers = (endTime: number) =>
  callersFile(
    { id: 'operator', ...keys.operator, rules: [{ id: 'all', role: 'operator', tenants: ['*'] }] },
    { id: 'product', ...keys.product, rules: [{ id: 'connects', role: 'connector', tenants: ['acme'] }] },
    { id: 'reader', ...keys.reader, rules: [{ id: 'reads', role: 'token_reader', tenants: ['acme'] }] },
    {
      id: 'expiring',
      ...keys.expiring,
      expireTime: new Date(endTime).toISOString(),
      rules: [{ role: 'token_reader', tenants: ['*'] }],
    },
    { id: 'other', ...keys.other, rules: [{ role: 'token_reader', tenants: ['tailspin'] }] },
  );

let scenario: Scenario;
let by: Record<keyof typeof keys | 'nobody' | 'unknown', Clients>;
let acme: Onboarded;
let tailspin: Onboarded;
let connection: string;
beforeAll(async () => {
  let file = '';
  const environment = {
    get CALLERS_FILE() {
      return file;
    },
  };
  scenario = await startScenario({
    environment,
    prepare(folder) {
      file = join(folder, 'callers.yaml');
      writeFileSync(file, callers(Date.now() + DAY));
    },
  });
  const clients = (apiKey: string) => scenario.clients({ apiKey });
  by = {
    operator: clients(keys.operator.key),
    product: clients(keys.product.key),
    reader: clients(keys.reader.key),
    expiring: clients(keys.expiring.key),
    other: clients(keys.other.key),
    nobody: scenario.clients({}),
    unknown: clients(newApiKey('unknown').key),
  };
  acme = await onboard(as('operator'), 'acme');
  tailspin = await onboard(as('operator'), 'tailspin');
  connection = await importAda(as('product'), acme, 'ada');
});
afterAll(async () => {
  for (const clients of Object.values(by)) clients.close();
  await scenario.close();
});

const as = (role: keyof typeof by) => ({
  sandbox: scenario.sandbox,
  callbackUri: scenario.callbackUri,
  tenants: by[role].tenants,
  connections: by[role].connections,
});
const ask = (clients: Clients, name = connection) =>
  clients.tokens.getAccessToken({ connection: name, scopes: ['Mail.ReadOnly'] });

interface Line {
  readonly caller: string;
  readonly credential: string;
  readonly rule: string;
  readonly method: string;
  readonly resource: string;
  readonly status: string;
  readonly source?: string;
  readonly carried?: readonly string[];
  readonly token?: string;
}

function audited(): Line[] {
  const lines = readFileSync(join(scenario.folder, 'audit.jsonl'), 'utf8').trim().split('\n');
  return lines.map((line) => JSON.parse(line) as Line).filter(({ method }) => method !== undefined);
}

describe('authentication of callers', () => {
  test('without a key, with an unknown or an invalid one: UNAUTHENTICATED', async () => {
    const nonsense = scenario.clients({ apiKey: 'hunter2' });

    for (const clients of [by.nobody, by.unknown, nonsense]) {
      expect(await failureOf(ask(clients))).toMatchObject({ code: 'UNAUTHENTICATED', reason: 'UNAUTHENTICATED' });
      expect(await reasonOf(clients.tenants.listTenants({}))).toBe('UNAUTHENTICATED');
    }
    nonsense.close();
  });

  test('a key is valid until its expiry', async () => {
    expect(await reasonOf(ask(by.expiring))).toBe('OK');
    await scenario.later(DAY);
    expect(await reasonOf(ask(by.expiring))).toBe('UNAUTHENTICATED');
  });
});

describe('permissions of roles', () => {
  test('a token_reader can read tokens of its tenants, and nothing else', async () => {
    expect(await reasonOf(ask(by.reader))).toBe('OK');
    expect(await reasonOf(by.reader.connections.getConnection({ name: connection }))).toBe('ACCESS_DENIED');
    expect(await reasonOf(by.reader.connections.deleteConnection({ name: connection }))).toBe('ACCESS_DENIED');
    expect(await reasonOf(by.reader.tenants.getTenant({ name: acme.name }))).toBe('ACCESS_DENIED');
    expect(await reasonOf(by.reader.apps.verifyApp({ name: acme.app }))).toBe('ACCESS_DENIED');
    expect(await reasonOf(by.reader.scopes.listCatalogs({}))).toBe('OK');
  });

  test('an operator cannot read tokens, in any of the three ways', async () => {
    const watch = async () => {
      for await (const _ of by.operator.tokens.watchAccessToken({ connection })) break;
    };
    const resource = 'https://graph.microsoft.com';

    expect(await reasonOf(ask(by.operator))).toBe('ACCESS_DENIED');
    expect(await reasonOf(watch())).toBe('ACCESS_DENIED');
    expect(await reasonOf(by.operator.tokens.getAppAccessToken({ app: acme.app, resource }))).toBe('ACCESS_DENIED');
    expect(await reasonOf(by.operator.connections.verifyConnection({ name: connection }))).toBe('OK');
  });

  test('a connector can connect users of its tenants, and cannot read tokens', async () => {
    const start = (tenant: Onboarded) =>
      by.product.connections.startAuthorization({
        connection: tenant.connection('new'),
        scopes: ['Mail.ReadOnly'],
        returnUrl: RETURN_URL,
      });

    expect(await reasonOf(start(acme))).toBe('OK');
    expect(await reasonOf(start(tailspin))).toBe('ACCESS_DENIED');
    expect(await reasonOf(ask(by.product))).toBe('ACCESS_DENIED');
  });

  test('missing resources and those of other tenants have the same error', async () => {
    const texts = await Promise.all(
      ['acme', 'no-such-tenant'].map(async (tenant) => {
        const failure = await failureOf(ask(by.other, `tenants/${tenant}/connections/ada`));
        return [failure?.code, failure?.reason, failure?.message.replaceAll(tenant, 'T')];
      }),
    );

    expect(texts[0]?.[1]).toBe('ACCESS_DENIED');
    expect(texts[0]).toEqual(texts[1]);
    expect(await reasonOf(ask(by.other, 'not a name'))).toBe('NAME_INVALID');
  });

  test('a list of all tenants contains only those of the caller', async () => {
    await importAda(as('operator'), tailspin, 'grace');

    const list = async (clients: Clients) =>
      (await clients.connections.listConnections({ parent: 'tenants/-' })).connections.map(({ name }) => name);

    expect(await list(by.product)).toEqual(expect.arrayContaining([connection]));
    expect((await list(by.product)).every((name) => name.startsWith('tenants/acme/'))).toBe(true);
    expect(await list(by.operator)).toContain(tailspin.connection('grace'));
  });
});

describe('the audit log has a line for', () => {
  test('a token: caller, rule, source and permissions, never the token itself', async () => {
    const { accessToken } = await ask(by.reader);

    const line = audited().findLast(
      ({ method, caller }) => method === 'TokenService/GetAccessToken' && caller === 'reader',
    );
    const id = expect.stringMatching(GUID);
    expect(line).toMatchObject({ credential: 'k1', rule: 'reads', resource: connection, status: 'OK' });
    expect(line).toMatchObject({ directory: id, user: id, peer });
    expect(line?.carried).toContain('Mail.Read');
    expect(line?.token).toMatch(/^[0-9a-f]{16}$/);
    expect(JSON.stringify(audited())).not.toContain(accessToken);
  });

  test('a change by an operator', async () => {
    await by.operator.tenants.suspendTenant({ name: tailspin.name });
    await by.operator.tenants.resumeTenant({ name: tailspin.name });

    expect(audited().slice(-2)).toMatchObject([
      { caller: 'operator', method: 'TenantService/SuspendTenant', resource: tailspin.name, rule: 'all', status: 'OK' },
      { caller: 'operator', method: 'TenantService/ResumeTenant', resource: tailspin.name, rule: 'all', status: 'OK' },
    ]);
  });

  test('a denied call, and an unauthenticated call', async () => {
    await reasonOf(ask(by.other));
    await reasonOf(ask(by.nobody));

    expect(audited().slice(-2)).toMatchObject([
      { caller: 'other', method: 'TokenService/GetAccessToken', resource: connection, status: 'ACCESS_DENIED' },
      { method: 'TokenService/GetAccessToken', status: 'UNAUTHENTICATED' },
    ]);
  });

  test('a consent, by the browser and by the product', async () => {
    const name = acme.connection('consenting');
    const { connectUri } = await by.product.connections.startAuthorization({
      connection: name,
      scopes: ['Mail.ReadOnly'],
      returnUrl: RETURN_URL,
    });
    const { url } = await scenario.browser.walk(connectUri, { as: 'grace@contoso.example' });
    await by.product.connections.confirmAuthorization({
      connection: name,
      confirmation: url.searchParams.get('confirmation') ?? '',
    });

    expect(audited().filter(({ resource }) => resource === name)).toMatchObject([
      { caller: 'product', method: 'ConnectionService/StartAuthorization', status: 'OK' },
      { caller: 'browser', method: 'web/callback', status: 'OK', peer },
      { caller: 'product', method: 'ConnectionService/ConfirmAuthorization', status: 'OK' },
    ]);
  });

  test('an import, also a rejected one', async () => {
    await importAda(as('product'), acme, 'imported');
    const refused = by.product.connections.importConnection({
      connection: acme.connection('refused'),
      scopes: ['Mail.ReadOnly'],
      refreshToken: 'not-a-refresh-token',
    });
    await reasonOf(refused);

    expect(audited().slice(-2)).toMatchObject([
      { caller: 'product', method: 'ConnectionService/ImportConnection', status: 'OK' },
      { caller: 'product', method: 'ConnectionService/ImportConnection', status: 'REFRESH_TOKEN_REJECTED' },
    ]);
  });
});

describe('the ops listener', () => {
  const get = async (path: string) => {
    const response = await fetch(`http://${scenario.vault.addresses.ops}${path}`);
    return { status: response.status, text: await response.text() };
  };

  test('reports that the vault is alive and ready', async () => {
    expect((await get('/livez')).status).toBe(200);
    expect((await get('/readyz')).status).toBe(200);
  });

  test('reports ready while Entra is unavailable', async () => {
    scenario.sandbox.injectFault({ kind: 'html', count: 5, app: acme.clientId });
    await scenario.later(3 * 3_600_000);
    expect(await reasonOf(ask(by.reader))).toBe('ENTRA_UNAVAILABLE');

    expect((await get('/readyz')).status).toBe(200);
    scenario.sandbox.clearFaults();
  });

  test('has metrics of tokens by source, exchanges, connections by state, and credential expiry', async () => {
    await reasonOf(ask(by.reader));
    const { status, text } = await get('/metrics');

    expect(status).toBe(200);
    for (const word of ['tokens', 'exchange', 'in_flight', 'lease', 'connections', 'credential', 'audit', 'seal'])
      expect(text, word).toMatch(new RegExp(`^tokenvault_[a-z_]*${word}`, 'm'));
    const histograms = text.split('\n').filter((line) => line.includes('_bucket{'));
    expect(histograms.filter((line) => line.includes('tenant='))).toEqual([]);
  });
});
