import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { newApiKey } from '../../src/model/api_key.ts';
import type { RpcError } from '../../src/rpc/client_rpc_error.ts';
import { SECRET } from '../event_delivery/delivery_setup.ts';
import { type Receiver, startReceiver } from '../event_delivery/receiver.ts';
import { callersFile } from './callers_file.ts';
import { importAda, type Onboarded, onboard } from './onboard.ts';
import { type Clients, reasonOf, type Scenario, startScenario } from './start_scenario.ts';

const SLOW = { timeout: 60_000 };

const key = newApiKey('product');
const product = {
  id: 'product',
  ...key,
  rules: [
    { role: 'operator', tenants: ['*'] },
    { role: 'connector', tenants: ['*'] },
    { role: 'token_reader', tenants: ['*'], scopes: ['Crm.Read'], excess: 'ALLOW' },
  ],
};

const catalog = (scope = 'Crm.Read', permission = 'Mail.Read') => `
name: crm
version: "1"
description: Scopes of our CRM
implicit_permissions: [openid, profile, offline_access, User.Read]
scopes:
  - { scope: ${scope}, description: Read what the CRM shows, permissions: [${permission}] }
`;

let scenario: Scenario;
let clients: Clients;
let acme: Onboarded;
let connection: string;
const path = (name: string) => join(scenario.folder, name);
const useCatalog = (text: string) => writeFileSync(path('catalogs/crm.yaml'), text);
const ask = () => reasonOf(clients.tokens.getAccessToken({ connection, scopes: ['Crm.Read'] }));
const ops = async (page: string) => (await fetch(`http://${scenario.vault.addresses.ops}/${page}`)).text();
const useSinks = (...sinks: readonly object[]) => writeFileSync(path('sinks.yaml'), JSON.stringify({ sinks }));
const sink = (id: string, { url }: Pick<Receiver, 'url'>) => ({
  id,
  url,
  secret_file: 'secret',
  types: ['connection.changed'],
});

const NOWHERE = 'http://127.0.0.1:9/';

beforeAll(async () => {
  const prepared = new Map<string, string>();
  const environment = {
    get CALLERS_FILE() {
      return prepared.get('callers.yaml') ?? '';
    },
    get CATALOGS_DIR() {
      return prepared.get('catalogs') ?? '';
    },
    get SINKS_FILE() {
      return prepared.get('sinks.yaml') ?? '';
    },
  };
  scenario = await startScenario({
    environment,
    prepare(folder) {
      for (const name of ['callers.yaml', 'catalogs', 'sinks.yaml']) prepared.set(name, join(folder, name));
      mkdirSync(join(folder, 'catalogs'));
      writeFileSync(join(folder, 'catalogs/crm.yaml'), catalog());
      writeFileSync(join(folder, 'callers.yaml'), callersFile(product));
      writeFileSync(join(folder, 'secret'), SECRET, { mode: 0o400 });
      writeFileSync(join(folder, 'sinks.yaml'), JSON.stringify({ sinks: [sink('first', { url: NOWHERE })] }));
    },
  });
  clients = scenario.clients({ apiKey: key.key });
  const as = { ...clients, sandbox: scenario.sandbox, callbackUri: scenario.callbackUri };
  acme = await onboard(as, 'acme', { tenant: { preset: '', catalog: 'crm' } });
  connection = await importAda(as, acme, 'ada', { scopes: ['Crm.Read'] });
});
afterAll(async () => {
  clients.close();
  await scenario.close();
});

describe('a catalog that changes', () => {
  beforeEach(async () => {
    useCatalog(catalog());
    await expect.poll(ask, SLOW).toBe('OK');
  });

  test('applies to the next token request, and to what is stored of connections it does not', async () => {
    useCatalog(catalog('Crm.Read', 'Mail.Send'));
    await expect.poll(ask, SLOW).toBe('CONSENT_REQUIRED');
    const { connection: stored } = await clients.connections.getConnection({ name: connection });
    expect(stored?.scopes).toEqual(['Crm.Read']);
  });

  test('without a scope that a connection has, refuses it as after a restart', async () => {
    useCatalog(catalog('Crm.Write'));
    await expect.poll(ask, SLOW).toBe('SCOPE_UNKNOWN');
    // The callers file names the scope, too. A vault does not start with it, and this one keeps its callers.
    await expect.poll(() => ops('metrics'), SLOW).toContain('tokenvault_callers_file_rejected 1');
    writeFileSync(path('callers.yaml'), callersFile({ ...product, rules: [...product.rules.slice(0, 2), open] }));
    await expect.poll(() => ops('metrics'), SLOW).toContain('tokenvault_callers_file_rejected 0');
    await scenario.restart();
    expect(await ask()).toBe('SCOPE_UNKNOWN');
    expect(await reasonOf(clients.tokens.getAccessToken({ connection }))).toBe('SCOPE_UNKNOWN');
  });
  const open = { role: 'token_reader', tenants: ['*'] };

  test('ends an open WatchAccessToken whose scope is gone', async () => {
    const stream = clients.tokens.watchAccessToken({ connection, scopes: ['Crm.Read'] })[Symbol.asyncIterator]();
    await stream.next();
    const end = stream.next().catch((error: RpcError) => error.reason);
    useCatalog(catalog('Crm.Write'));
    expect(await end).toBe('SCOPE_UNKNOWN');
  });

  test('to something invalid is reported, and the earlier one stays in use', async () => {
    const rejected = 'tokenvault_settings_file_rejected{file="scope catalogs"}';
    expect(await ops('metrics')).toContain(`${rejected} 0`);
    useCatalog(catalog('Crm.Read', '"Mail Read"'));
    await expect.poll(() => ops('metrics'), SLOW).toContain(`${rejected} 1`);
    expect(await ops('readyz')).toContain('settings_files: degraded');
    expect(await ask()).toBe('OK');
  });
});

test('a sink that moves gets what waited, one that is added the next events, and one that is removed none', async () => {
  const [first, second] = [await startReceiver(SECRET), await startReceiver(SECRET)];
  const pending = 'tokenvault_sink_deliveries_pending';
  await expect
    .poll(() => ops('metrics'), SLOW)
    .toContain('tokenvault_sink_deliveries_total{sink="first",outcome="refused"}');

  useSinks(sink('first', first), sink('second', second));
  await expect.poll(() => ops('metrics'), SLOW).toContain('tokenvault_sink_deliveries_total{sink="second"');
  await scenario.later(60_000);
  await first.has(1);
  expect(first.received[0]?.event).toMatchObject({ subject: connection });
  expect(second.received).toEqual([]);

  useSinks(sink('second', second));
  await expect.poll(() => ops('metrics'), SLOW).not.toContain(`${pending}{sink="first"}`);
  const eva = await importAda({ ...clients, sandbox: scenario.sandbox }, acme, 'eva', { scopes: ['Crm.Read'] });
  await second.has(1);
  expect(second.received[0]?.event).toMatchObject({ subject: eva });
  expect(first.received).toHaveLength(1);

  useSinks(sink('first', first));
  await first.has(2);
  expect(first.received[1]?.event).toMatchObject({ subject: eva });
});
