import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const source = resolve(dirname(fileURLToPath(import.meta.url)), '../../src');

/** Whom a room may import (docs: CONTRIBUTING, "Rooms"). `a/b.ts` names one file of a room. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  'main.ts': ['serve.ts', 'config', 'cli', 'demo', 'sandbox', 'telemetry', 'model'],
  'serve.ts': ['vault.ts', 'welcome.ts', 'cli/stop_signals.ts', 'config', 'telemetry'],
  'welcome.ts': ['vault.ts', 'config', 'sandbox'],
  'vault.ts': ['*'],
  'listeners.ts': ['model'],
  'upkeep.ts': [
    'config',
    'teardown.ts',
    'entra/app_registrations.ts',
    'entra/authorization_server.ts',
    'expiry',
    'registry',
    'store/stores.ts',
    'telemetry',
    'model/timers.ts',
    'model',
  ],
  'microsoft.ts': ['config', 'world.ts', 'teardown.ts', 'entra', 'keyring', 'store/stores.ts', 'telemetry', 'model'],
  'teardown.ts': [],
  'world.ts': ['config', 'sandbox', 'model'],
  config: ['model'],
  cli: ['gen', 'model', 'rpc/client.ts', 'config/callers_file.ts'],
  demo: ['gen', 'model', 'rpc/client.ts'],
  listeners: ['model'],
  rpc: [
    'listeners',
    'config/yaml_file.ts',
    'gen',
    'tokens',
    'connect',
    'registry',
    'expiry',
    'scopes',
    'audit',
    'telemetry',
    'model',
  ],
  web: [
    'listeners',
    'config/secret_lines.ts',
    'connect',
    'credential_lifecycle/secret_change_handler.ts',
    'telemetry',
    'model',
    'audit/audit_log.ts',
  ],
  tokens: ['scopes', 'telemetry', 'model', 'audit/audit_log.ts', 'store/stores.ts', 'entra/authorization_server.ts'],
  connect: ['scopes', 'telemetry', 'model', 'audit/audit_log.ts', 'store/stores.ts', 'entra/authorization_server.ts'],
  registry: ['scopes', 'telemetry', 'model', 'audit/audit_log.ts', 'store/stores.ts', 'entra/authorization_server.ts'],
  expiry: [
    'config/secret_lines.ts',
    'config/yaml_file.ts',
    'scopes',
    'telemetry',
    'model',
    'audit/audit_log.ts',
    'store/stores.ts',
    'store/background_stores.ts',
    'entra/app_registrations.ts',
    'entra/authorization_server.ts',
  ],
  store: ['keyring', 'telemetry', 'model', 'audit/audit_log.ts', 'entra/authorization_server.ts'],
  entra: ['telemetry', 'model'],
  keyring: ['telemetry', 'model'],
  scopes: ['telemetry', 'model'],
  audit: ['telemetry', 'model'],
  telemetry: ['model'],
  model: [],
  sandbox: [],
  gen: [],
};

/** Foreign packages that have one room. */
const ONLY_IN: readonly (readonly [RegExp, readonly string[]])[] = [
  [/^@grpc\//, ['rpc', 'cli']],
  [/^(drizzle-orm|better-sqlite3|pg)(\/|$)/, ['store']],
  [/^@azure\/msal-node/, ['entra']],
  [/^@azure\/(keyvault|identity|core)/, ['keyring']],
  [/^undici/, ['entra', 'expiry', 'demo', 'cli']],
  [/^cockatiel/, ['entra']],
  [/^pino|^prom-client/, ['telemetry']],
  [/^jose/, ['sandbox', 'entra']],
  [/^commander/, ['main.ts', 'cli']],
  [/^(cli-progress|jsonc-parser)/, ['cli']],
  [/^negotiator/, ['web']],
  [/^(cloudevents|standardwebhooks)/, ['expiry']],
  [/^image-size/, ['registry']],
];

function files(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) return files(path);
    return path.endsWith('.ts') ? [path] : [];
  });
}

const sources = files(source).map((path) => ({ path: relative(source, path), text: readFileSync(path, 'utf8') }));
const roomOf = (path: string) => path.split('/')[0] ?? path;
const importsOf = (text: string) =>
  [...text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map((match) => match[1] ?? '');

test('every import goes a way that the house allows', () => {
  const strays = sources.flatMap(({ path, text }) => {
    const room = roomOf(path);
    if (room === 'gen') return [];
    const allowed = MAY_IMPORT[room] ?? [];
    return importsOf(text).flatMap((name) => {
      if (!name.startsWith('.')) {
        const rule = ONLY_IN.find(([pattern]) => pattern.test(name));
        return rule === undefined || rule[1].includes(room) ? [] : [`${path} -> ${name}`];
      }
      const target = relative(source, resolve(join(source, dirname(path)), name));
      const goesTo = roomOf(target);
      const fine = goesTo === room || allowed.includes('*') || allowed.includes(goesTo) || allowed.includes(target);
      return fine ? [] : [`${path} -> ${target}`];
    });
  });
  expect(strays).toEqual([]);
});

test('the environment is read in one place', () => {
  const readers = sources.filter(({ text }) => /process\.env\b/.test(text)).map(({ path }) => path);
  expect(readers).toEqual(['config/read_config.ts']);
});

test('no barrels, and no rooms for what has no name', () => {
  const names = sources.map(({ path }) => path);
  expect(names.filter((path) => /(^|\/)index\.ts$/.test(path))).toEqual([]);
  expect(names.filter((path) => /(^|[/_])(utils?|helpers?|common|lib|manager|impl)([/_.]|$)/.test(path))).toEqual([]);
});

/** Sealing, the request to Entra and the way there, the response message, the audit log's keyed fingerprint, a webhook's signature, and what an import sends. */
const REVEALING = [
  'audit/chained_audit_log.ts',
  'cli/import/requests.ts',
  'entra/exchange/certificate_assertion.ts',
  'entra/exchange/contradiction.ts',
  'entra/dispatcher.ts',
  'entra/graph/graph_session.ts',
  'entra/exchange/msal_client.ts',
  'event_delivery/signature.ts',
  'keyring/keyring.ts',
  'rpc/messages/token_response.ts',
  'store/connections/access_token_rows.ts',
  'store/authorizations/authorization_rows.ts',
  'store/apps/credential_rows.ts',
];

test('a secret is revealed in these files alone', () => {
  const revealing = sources.filter(({ path, text }) => roomOf(path) !== 'sandbox' && /\.reveal\(\)/.test(text));
  expect(revealing.map(({ path }) => path).sort()).toEqual(REVEALING);
});
