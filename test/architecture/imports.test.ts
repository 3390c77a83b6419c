import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { sourceFiles, TYPESCRIPT_CLIENT } from './import_graph.ts';

/** The folders that a folder may import (CONTRIBUTING, "Layout"). A folder imports only folders below it. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  'main.ts': ['startup'],
  startup: ['*'],
  cli: ['gen', 'rpc', 'store', 'keyring', 'listeners', 'audit', 'scopes', 'config', 'model'],
  demo: ['gen', 'rpc', 'model'],
  rpc: [
    'gen',
    'mailbox_access',
    'tokens',
    'connect',
    'registry',
    'credential_lifecycle',
    'expiry',
    'key_rotation',
    'containment',
    'usage',
    'status',
    'listeners',
    'caller_tokens',
    'audit',
    'telemetry',
    'scopes',
    'model',
  ],
  web: ['connect', 'credential_lifecycle', 'status', 'listeners', 'audit', 'telemetry', 'model'],
  credential_lifecycle: ['expiry', 'background', 'store', 'entra', 'certificates', 'telemetry', 'model'],
  expiry: ['background', 'store', 'telemetry', 'model'],
  connect: ['store', 'entra', 'audit', 'scopes', 'telemetry', 'model'],
  registry: ['store', 'entra', 'certificates', 'audit', 'scopes', 'telemetry', 'model'],
  mailbox_access: ['tokens', 'model'],
  tokens: ['background', 'store', 'entra', 'audit', 'scopes', 'telemetry', 'model'],
  event_delivery: ['background', 'store', 'https_client', 'telemetry', 'model'],
  key_rotation: ['background', 'store', 'telemetry', 'model'],
  status: ['replication', 'store', 'telemetry', 'model'],
  usage: ['store', 'telemetry', 'model'],
  containment: ['replication', 'store', 'telemetry', 'model'],
  replication: ['store', 'telemetry', 'model'],
  background: ['store', 'telemetry', 'model'],
  store: ['keyring', 'audit', 'telemetry', 'model'],
  entra: ['https_client', 'files', 'telemetry', 'model'],
  caller_tokens: ['https_client', 'files', 'telemetry', 'model'],
  keyring: ['files', 'telemetry', 'model'],
  listeners: ['certificates', 'telemetry', 'model'],
  certificates: ['model'],
  https_client: ['model'],
  audit: ['telemetry', 'model'],
  scopes: ['telemetry', 'model'],
  config: ['files', 'model'],
  telemetry: ['model'],
  files: [],
  model: [],
  sandbox: [],
  gen: [],
};

/** Packages that only these folders may import. */
const ONLY_IN: readonly (readonly [RegExp, readonly string[]])[] = [
  [/^@grpc\//, ['rpc', 'cli', 'listeners']],
  [/^(drizzle-orm|better-sqlite3|pg)(\/|$)/, ['store']],
  [/^@azure\/msal-node/, ['entra']],
  [/^@azure\/(keyvault|identity|core)/, ['keyring']],
  [/^undici/, ['https_client', 'entra', 'event_delivery', 'caller_tokens', 'demo', 'cli']],
  [/^cockatiel/, ['entra']],
  [/^pino|^prom-client/, ['telemetry']],
  [/^jose/, ['sandbox', 'entra', 'caller_tokens', 'mailbox_access']],
  [/^commander/, ['startup', 'cli']],
  [/^(cli-progress|jsonc-parser)/, ['cli']],
  [/^negotiator/, ['web']],
  [/^@opentelemetry\//, ['telemetry']],
  [/^@peculiar\/asn1/, ['certificates', 'sandbox']],
  [/^(cloudevents|standardwebhooks)/, ['event_delivery', 'config']],
];

const sources = sourceFiles();
const folderOf = (path: string) => path.split('/')[0] ?? path;

test('each folder imports only the folders below it', () => {
  const forbidden = sources.flatMap(({ path, imports }) => {
    const folder = folderOf(path);
    if (folder === 'gen') return [];
    const allowed = [folder, ...(MAY_IMPORT[folder] ?? [])];
    return imports
      .filter((name) => name.startsWith('.'))
      .map((name) => join(dirname(path), name))
      .filter((target) => !allowed.includes('*') && !allowed.includes(folderOf(target)))
      .map((target) => `${path} -> ${target}`);
  });
  // Not TypeScript, so that an old Node can run it.
  expect(forbidden).toEqual(['main.ts -> ../bin/prepare_node.js']);
});

test('the table of imports has no cycle, and no file at the root but main.ts', () => {
  const order = Object.keys(MAY_IMPORT);
  const upward = order.flatMap((folder, at) =>
    (MAY_IMPORT[folder] ?? [])
      .filter((target) => target !== '*' && order.indexOf(target) <= at)
      .map((target) => `${folder} -> ${target}`),
  );
  expect(upward).toEqual([]);
  expect([...new Set(sources.map(({ path }) => folderOf(path)))].filter((name) => name.endsWith('.ts'))).toEqual([
    'main.ts',
  ]);
});

test('a package is imported only in its folder', () => {
  const forbidden = sources.flatMap(({ path, imports }) =>
    imports
      .filter((name) => !name.startsWith('.'))
      .filter((name) => {
        const rule = ONLY_IN.find(([pattern]) => pattern.test(name));
        return rule !== undefined && !rule[1].includes(folderOf(path));
      })
      .map((name) => `${path} -> ${name}`),
  );
  expect(forbidden).toEqual([]);
});

test('the client package imports only its own files, Node, grpc-js and protobuf-es', () => {
  const client = sourceFiles(TYPESCRIPT_CLIENT);
  const packages = client.flatMap(({ imports }) => imports.filter((name) => !/^(\.\/|\.\.\/|node:)/.test(name)));
  expect(new Set(packages.map((name) => name.split('/', 2).join('/')))).toEqual(
    new Set(['@bufbuild/protobuf', '@grpc/grpc-js']),
  );
  const paths = new Set(client.map(({ path }) => path));
  const outside = client.flatMap(({ path, imports }) =>
    imports
      .filter((name) => name.startsWith('.'))
      .map((name) => join(dirname(path), name))
      .filter((target) => !paths.has(target)),
  );
  expect(outside).toEqual([]);
});

test('the environment is read in one place', () => {
  const readers = sources.filter(({ text }) => /process\.env\b/.test(text)).map(({ path }) => path);
  expect(readers).toEqual(['config/read_config_from_environment.ts']);
});

test('no barrels, and no files named utils, helpers or the like', () => {
  const names = sources.map(({ path }) => path);
  expect(names.filter((path) => /(^|\/)index\.ts$/.test(path))).toEqual([]);
  expect(names.filter((path) => /(^|[/_])(utils?|helpers?|common|lib|manager|impl)([/_.]|$)/.test(path))).toEqual([]);
});

/** Sealing, the request to Entra and the way there, the response message, the audit log's keyed fingerprint, a webhook's signature, what an import sends, and the token with which a JWKS is fetched. */
const REVEALING = [
  'audit/hash_chained_audit_log.ts',
  'caller_tokens/fetch_jwks.ts',
  'cli/credentials/read_credential.ts',
  'cli/import/build_admin_api_requests.ts',
  'entra/exchange/client_assertion_signer.ts',
  'entra/exchange/check_token_response.ts',
  'entra/graph/app_registration_session.ts',
  'entra/exchange/request_token_through_msal.ts',
  'event_delivery/build_signed_webhook_request.ts',
  'https_client/create_dispatchers.ts',
  'keyring/keyring.ts',
  'mailbox_access/check_mailbox_access.ts',
  'mailbox_access/imap_inbox.ts',
  'rpc/messages/encode_token_response.ts',
  'store/connections/sealed_access_token_rows.ts',
  'store/postgres/postgres_client_options.ts',
  'store/authorizations/authorization_row_mapping.ts',
  'store/apps/credential_rows.ts',
];

test('a secret is revealed in these files alone', () => {
  const revealing = sources.filter(({ path, text }) => folderOf(path) !== 'sandbox' && /\.reveal\(\)/.test(text));
  expect(revealing.map(({ path }) => path).sort()).toEqual([...REVEALING].sort());
});
