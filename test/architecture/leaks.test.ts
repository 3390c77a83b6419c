import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DescService } from '@bufbuild/protobuf';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { AccessService } from '../../src/gen/tokenvault/v1/access_service_pb.ts';
import { Cloud } from '../../src/gen/tokenvault/v1/app_pb.ts';
import { AppService } from '../../src/gen/tokenvault/v1/app_service_pb.ts';
import { ConnectionService } from '../../src/gen/tokenvault/v1/connection_service_pb.ts';
import { ContainmentService } from '../../src/gen/tokenvault/v1/containment_service_pb.ts';
import { EventService } from '../../src/gen/tokenvault/v1/event_service_pb.ts';
import { KeyService } from '../../src/gen/tokenvault/v1/key_service_pb.ts';
import { ScopeService } from '../../src/gen/tokenvault/v1/scope_service_pb.ts';
import { StatusService } from '../../src/gen/tokenvault/v1/status_service_pb.ts';
import { TenantService } from '../../src/gen/tokenvault/v1/tenant_service_pb.ts';
import { TokenService } from '../../src/gen/tokenvault/v1/token_service_pb.ts';
import { newApiKey } from '../../src/model/api_key.ts';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { startSandbox } from '../../src/sandbox/start_sandbox.ts';
import { CONTOSO } from '../../src/sandbox/state/seed_data.ts';
import { makeCertificate } from '../sandbox/certificate.ts';
import { callersFile } from '../scenarios/callers_file.ts';
import { freePorts } from '../scenarios/free_ports.ts';
import { serveProgram, type VaultProgram } from '../scenarios/vault_program.ts';
import { hiddenForms } from './hidden_forms.ts';
import { type RecordingEntra, startRecordingEntra } from './recording_entra.ts';
import { createWireTap, type WireTap } from './wire_tap.ts';

const SERVICES = [
  TenantService,
  AppService,
  ConnectionService,
  TokenService,
  EventService,
  StatusService,
  KeyService,
  ContainmentService,
  AccessService,
  ScopeService,
];
const ADMIN: readonly DescService[] = [
  TenantService,
  AppService,
  EventService,
  StatusService,
  KeyService,
  ContainmentService,
];
const USERNAME = 'quetzalcoatl-canary@contoso.example';
const EMAIL = 'feathered.serpent-canary@mail.example';
const DISPLAY_NAME = 'Quetzalcoatl Canary Featherstone';
const DESCRIPTION = 'AADSTS70043: canary description of Quetzalcoatl, 9f2b6d1c';
const RETURN_URL = 'http://127.0.0.1:3000/connected';
const OWN_CALLBACK = 'http://localhost:3000/microsoft/callback';
const TENANT = 'tenants/acme';
const APP = `${TENANT}/apps/default`;
const CONNECTION = `${TENANT}/connections/ada`;
const IMPLICIT = 'openid profile offline_access User.Read MailboxSettings.Read';
const TWO_HOURS = 7_200_000;

interface Canary {
  readonly kind: string;
  readonly value: string;
}
interface Haystack {
  readonly place: string;
  /** latin1 */
  readonly text: string;
}

const key = newApiKey('canary');
const unknownKey = newApiKey('unknown');
const { certificate, privateKey } = makeCertificate(Date.now() - 86_400_000, Date.now() + 864_000_000);
const foreignKey = makeCertificate(Date.now(), Date.now() + 864_000_000).privateKey;

let sandbox: Sandbox;
let entra: RecordingEntra;
let folder: string;
/** Holds the file of a secret, which is no leak. */
let elsewhere: string;
/** Receives events, and keeps them. */
let receiver: Server;
let vault: VaultProgram;
let tap: WireTap;
let publicUrl: string;
let clientId: string;
const canaries: Canary[] = [];
const haystacks: Haystack[] = [];

const canary = (kind: string, value: string) => canaries.push({ kind, value });
const haystack = (place: string, text: string) =>
  haystacks.push({ place, text: Buffer.from(text, 'utf8').toString('latin1') });
const later = () => sandbox.clock.advance(TWO_HOURS);

beforeAll(async () => {
  sandbox = await startSandbox({ userConsent: 'legacy', loopGuard: false });
  entra = await startRecordingEntra(sandbox.url);
  folder = mkdtempSync(join(tmpdir(), 'leaks-'));
  elsewhere = mkdtempSync(join(tmpdir(), 'leaks-secret-'));
  const [web] = await freePorts(1);
  publicUrl = `http://127.0.0.1:${web}`;
  const rules = ['operator', 'connector', 'token_reader', 'admin'].map((role) => ({ role, tenants: ['*'] }));
  writeFileSync(join(folder, 'callers.yaml'), callersFile({ id: 'canary', ...key, rules }));
  receiver = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part);
    haystack('webhook', `${JSON.stringify(request.headers)}\n${Buffer.concat(parts)}`);
    response.writeHead(204).end();
  }).listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  const signingSecret = randomBytes(32).toString('base64');
  canary('signing_secret', signingSecret);
  const secretFile = join(elsewhere, 'sink.secret');
  writeFileSync(secretFile, `whsec_${signingSecret}\n`, { mode: 0o600 });
  const { port } = receiver.address() as AddressInfo;
  writeFileSync(join(folder, 'sinks.yaml'), sinksFile(`http://127.0.0.1:${port}/events`, secretFile));
  vault = await serveProgram(folder, {
    CUSTOM_CLOUD_LOGIN_URL: entra.url,
    WEB_ADDRESS: `127.0.0.1:${web}`,
    PUBLIC_URL: publicUrl,
    CALLERS_FILE: './callers.yaml',
    SINKS_FILE: './sinks.yaml',
    LOG_LEVEL: 'debug',
  });
  const { grpc, admin } = vault.addresses;
  tap = createWireTap({
    addressOf: (service) => (ADMIN.includes(service) ? admin : grpc),
    apiKey: key.key,
  });
  canary('api_key', key.key);
  canary('api_key', unknownKey.key);
  canary('username', USERNAME);
  canary('display_name', DISPLAY_NAME);
  canary('email', EMAIL);
  canary('error_description', DESCRIPTION);
  for (const pem of [privateKey, foreignKey])
    for (const line of pem.split('\n').filter((part) => part.length === 64)) canary('private_key', line);
  await useEverything();
  for (const { kind, value } of entra.overheard) canary(kind, kind === 'code' ? value : value.slice(-48));
  await gather('while it runs');
  tap.close();
  await vault.stop();
  gatherFiles('after it stopped');
  haystack('stdout', vault.written.stdout);
  haystack('stderr', vault.written.stderr);
});
afterAll(async () => {
  await entra.close();
  await sandbox.close();
  receiver.close();
  for (const path of [folder, elsewhere]) rmSync(path, { recursive: true, force: true });
});

function sinksFile(url: string, secretFile: string): string {
  return `sinks:
  - id: canary
    url: ${url}
    secret_file: ${secretFile}
    types: [connection., credential., app., vault.]
`;
}

/** Each method, with secrets wherever there is room for one; then each way to fail, and each page. */
async function useEverything(): Promise<void> {
  const registration = sandbox.addApp({
    audience: 'common',
    redirectUris: [`${publicUrl}/oauth2/callback`, OWN_CALLBACK],
    secrets: [{}, {}],
    certificates: [certificate],
  });
  clientId = registration.clientId;
  sandbox.addUser({ username: USERNAME, displayName: DISPLAY_NAME, mail: EMAIL, directoryId: CONTOSO });
  const [first, second] = registration.secrets.map(({ value }) => value);
  const secret = (value: string | undefined) => ({ case: 'clientSecret' as const, value: value ?? '' });
  for (const value of [first, second]) canary('client_secret', value ?? '');
  const refreshToken = () => {
    const token = sandbox.issueRefreshToken({ clientId, userObjectId: USERNAME, scopes: `${IMPLICIT} Mail.Read` });
    canary('refresh_token', token.slice(-48));
    return token;
  };
  const app = {
    clientId,
    credential: secret(first),
    signInAudience: 'common',
    cloud: Cloud.CUSTOM,
    redirectUris: [`${publicUrl}/oauth2/callback`, OWN_CALLBACK],
    returnUrlPrefixes: ['http://127.0.0.1:3000/'],
  };
  const { call } = tap;

  await call(TenantService, 'registerTenant', { tenantId: 'acme', preset: 'aurinko', app });
  await call(TenantService, 'registerTenant', { tenantId: 'acme', preset: 'aurinko', app });
  await call(TenantService, 'registerTenant', { tenantId: 'BAD', app });
  await call(TenantService, 'registerTenant', { tenantId: 'bad', app: { ...app, clientId: 'x' } });
  const etag = async () => (await call(TenantService, 'getTenant', { name: TENANT }))?.tenant?.etag ?? '';
  await call(TenantService, 'listTenants', {});
  await call(TenantService, 'updateTenant', { tenant: { name: TENANT, displayName: 'Acme' } });
  await call(TenantService, 'setAccessLabels', { name: TENANT, labels: { 'access.tier': 'gold' } });
  await call(AppService, 'createApp', {
    parent: TENANT,
    appId: 'second',
    app: { clientId, cloud: Cloud.CUSTOM },
    credential: { material: secret(second) },
  });
  await call(AppService, 'getApp', { name: APP });
  await call(AppService, 'listApps', { parent: TENANT });
  await call(AppService, 'updateApp', { app: { name: APP, homeDirectoryId: CONTOSO } });
  const add = (credentialId: string, material: object) =>
    call(AppService, 'addCredential', { parent: APP, credentialId, credential: { material } as never });
  await add('second', secret(second));
  await add('cert', { case: 'certificate', value: { certificatePem: certificate, privateKeyPem: privateKey } });
  await add('wrong', { case: 'certificate', value: { certificatePem: certificate, privateKeyPem: foreignKey } });
  await add('mixed', { case: 'certificate', value: { certificatePem: privateKey, privateKeyPem: privateKey } });
  await call(AppService, 'verifyApp', { name: APP, directoryId: CONTOSO });
  await call(AppService, 'rotateCredential', { name: APP, validateOnly: true });

  const start = async (more: object) => {
    const started = await call(ConnectionService, 'startAuthorization', {
      connection: CONNECTION,
      scopes: ['Mail.ReadOnly'],
      loginHint: USERNAME,
      ...more,
    });
    const { connectUri = '', authorizationUri = '', adminConsentUri = '' } = started ?? {};
    canary('handle', connectUri.slice(connectUri.lastIndexOf('/') + 1));
    // For the administrator, whom the user sends it from the page; empty once the permissions have been granted.
    if (adminConsentUri !== '') canary('shown_handle', adminConsentUri.slice(adminConsentUri.lastIndexOf('/') + 1));
    noteAuthorize(authorizationUri);
    return { connectUri, authorizationUri };
  };
  const complete = (back: URL, connection = CONNECTION) =>
    call(ConnectionService, 'completeAuthorization', {
      connection,
      state: back.searchParams.get('state') ?? '',
      answer: { case: 'code', value: back.searchParams.get('code') ?? '' },
    });
  // By the page, with its confirmation, wrong and right and again.
  const { connectUri } = await start({ returnUrl: RETURN_URL });
  const returned = await walk(connectUri);
  const confirmation = returned.searchParams.get('confirmation') ?? '';
  canary('confirmation', confirmation);
  await call(ConnectionService, 'confirmAuthorization', { connection: `${TENANT}/connections/bob`, confirmation });
  await call(ConnectionService, 'confirmAuthorization', { connection: CONNECTION, confirmation });
  await call(ConnectionService, 'confirmAuthorization', { connection: CONNECTION, confirmation });
  // By the product's own callback.
  const own = await walk((await start({ redirectUri: OWN_CALLBACK })).authorizationUri);
  canary('code', own.searchParams.get('code') ?? '');
  await complete(own, `${TENANT}/connections/bob`);
  await complete(own);
  const again = await walk((await start({ redirectUri: OWN_CALLBACK })).authorizationUri);
  canary('code', again.searchParams.get('code') ?? '');
  await complete(again);
  await complete(again);
  await call(ConnectionService, 'completeAuthorization', {
    connection: CONNECTION,
    state: new URL((await start({ redirectUri: OWN_CALLBACK })).authorizationUri).searchParams.get('state') ?? '',
    answer: { case: 'error', value: { error: 'access_denied', errorDescription: DESCRIPTION, errorSubcode: 'cancel' } },
  });

  // By an administrator, who agrees, comes back twice, and declines the next time.
  const consent = async () => {
    const started = await call(ConnectionService, 'startAdminConsent', { parent: TENANT, directoryId: CONTOSO });
    const { consentUri = '', adminConsentUri = '' } = started ?? {};
    canary('handle', consentUri.slice(consentUri.lastIndexOf('/') + 1));
    canary('state', new URL(adminConsentUri).searchParams.get('state') ?? '');
    return { consentUri, adminConsentUri };
  };
  await walk((await consent()).consentUri);
  const { adminConsentUri } = await consent();
  await walk(adminConsentUri);
  await walk(adminConsentUri);
  await walk(`${(await consent()).adminConsentUri}&sandbox_decline=1`);

  const imports = (id: string, token: string, more: object = {}) =>
    call(ConnectionService, 'importConnection', {
      connection: `${TENANT}/connections/${id}`,
      scopes: ['Mail.ReadOnly'],
      refreshToken: token,
      ...more,
    });
  await imports('imported', refreshToken());
  await imports('imported', refreshToken());
  await imports('unknown-scope', refreshToken(), { scopes: ['Nope'] });
  await imports('wrong-account', refreshToken(), {
    account: { directoryId: CONTOSO, username: 'other@contoso.example', displayName: DISPLAY_NAME, email: EMAIL },
  });
  const made = 'made-up-refresh-token-canary-0123456789abcdef';
  canary('refresh_token', made);
  await imports('made-up', made);
  await call(ConnectionService, 'getConnection', { name: CONNECTION });
  await call(ConnectionService, 'listConnections', { parent: 'tenants/-', username: USERNAME });
  await call(ConnectionService, 'updateConnection', { connection: { name: CONNECTION, externalId: 'w-7' } });
  await call(ConnectionService, 'verifyConnection', { name: CONNECTION });
  await call(ConnectionService, 'suspendConnection', { name: CONNECTION });
  await call(ConnectionService, 'resumeConnection', { name: CONNECTION });
  await call(ScopeService, 'listCatalogs', {});
  await call(ScopeService, 'translateScopes', { catalog: 'aurinko', scopes: ['Mail.ReadOnly'] });

  const token = (more: object = {}) =>
    call(TokenService, 'getAccessToken', { connection: CONNECTION, scopes: ['Mail.ReadOnly'], ...more });
  await token();
  await token();
  await token({ scopes: ['Mail.Send'] });
  await call(TokenService, 'getAccessToken', { connection: CONNECTION }, unknownKey.key);
  await call(TokenService, 'batchGetAccessTokens', {
    requests: [{ connection: CONNECTION, scopes: ['Mail.ReadOnly'] }, { connection: `${TENANT}/connections/nobody` }],
  });
  await call(TokenService, 'watchAccessToken', { connection: CONNECTION });
  await call(ConnectionService, 'watchAuthorization', { connection: CONNECTION });
  await call(TokenService, 'getAppAccessToken', {
    app: APP,
    resource: 'https://graph.microsoft.com',
    directoryId: CONTOSO,
  });
  // Entra's error texts name people; each kind of answer is forced by a challenge.
  let challenge = 0;
  const forced = () => {
    challenge += 1;
    return token({ claims: `{"access_token":{"n":{"value":"${challenge}"}}}` });
  };
  const codes = [90033, 7000215, 7000218, 650052, 50196, 70000, 9002313, 53003, 65001, 50076, 50173, 123456];
  for (const code of codes) {
    sandbox.injectFault({ kind: 'error', code, description: DESCRIPTION, app: clientId, count: 3 });
    await forced();
    sandbox.clearFaults();
    await imports('imported', refreshToken(), { allowReplace: true });
    await reconnect();
  }
  for (const kind of ['html', 'close', 'broken_json', 'empty', 'redirect', 'throttle'] as const) {
    sandbox.injectFault({ kind, app: clientId, count: 3 });
    await forced();
    sandbox.clearFaults();
  }
  sandbox.disableUser(USERNAME);
  later();
  await token();
  await browse();
  await call(AppService, 'removeCredential', { name: `${APP}/credentials/second` });
  await call(ConnectionService, 'deleteConnection', { name: `${TENANT}/connections/imported` });
  await call(AppService, 'deleteApp', { name: `${TENANT}/apps/second` });
  await call(TenantService, 'suspendTenant', { name: TENANT });
  await token();
  await call(TenantService, 'resumeTenant', { name: TENANT });
  await call(AppService, 'listExpiringCredentials', { parent: 'tenants/-', includeUnknown: true });
  await call(AppService, 'listExpiringCredentials', { parent: 'tenants/-', pageToken: 'x' });
  await call(AppService, 'listCredentials', { parent: 'tenants/-' });
  await call(EventService, 'watchEvents', { parent: 'tenants/-', cursor: '-', types: ['connection.', 'app.'] });
  await call(EventService, 'watchEvents', { parent: 'tenants/-', cursor: 'x' });
  await call(EventService, 'listDeadLetters', {});
  await call(EventService, 'redeliverDeadLetters', { sink: 'canary' });
  await call(EventService, 'redeliverDeadLetters', { sink: 'x' });
  const contained = {
    subject: { subject: { case: 'directoryId', value: '00000000-0000-4000-8000-000000000000' } },
    reason: 'Over',
  } as const;
  for (const method of ['contain', 'lift', 'containLocal', 'liftLocal'] as const)
    await call(ContainmentService, method, contained);
  await call(ContainmentService, 'listContainments', {});
  const rootKeys = (await call(KeyService, 'getKeyring', {}))?.keyring?.rootKeys ?? [];
  for (const rootKeyId of [rootKeys[0]?.id ?? '', '']) await call(KeyService, 'rotateRootKey', { rootKeyId });
  for (const tenant of [TENANT, 'vault', 'x']) {
    await call(KeyService, 'rotateTenantKey', { tenant });
    await call(KeyService, 'getTenantKey', { tenant });
  }
  await call(StatusService, 'getStatus', {});
  await call(AccessService, 'whoAmI', {});
  await call(AccessService, 'listCallers', {});
  await call(AccessService, 'explainAccess', { caller: 'canary', method: 'TokenService/GetAccessToken' });
  await call(StatusService, 'getStatus', { credentialCount: -1 });
  await vi.waitUntil(() => haystacks.some(({ place }) => place === 'webhook'), { timeout: 10_000 });
  await gather('before the tenant is deleted');
  await call(TenantService, 'deleteTenant', { name: TENANT, etag: await etag(), force: true });

  async function reconnect(): Promise<void> {
    await complete(await walk((await start({ redirectUri: OWN_CALLBACK })).authorizationUri));
  }
}

function noteAuthorize(address: string): void {
  const { searchParams } = new URL(address);
  for (const kind of ['state', 'nonce']) if (searchParams.has(kind)) canary(kind, searchParams.get(kind) ?? '');
}

/** As the user's browser, through all the pages; keeps what the vault showed it. */
async function walk(address: string): Promise<URL> {
  let url = new URL(address);
  let method = /^\/(connect|admin-consent)\//.test(url.pathname) ? 'POST' : 'GET';
  if (method === 'POST') await show(await fetch(url));
  for (;;) {
    if (url.pathname.endsWith('/authorize')) {
      noteAuthorize(url.href);
      url.searchParams.set('sandbox_auto', USERNAME);
    }
    if (url.pathname.endsWith('/adminconsent')) {
      noteAuthorize(url.href);
      url.searchParams.set('sandbox_auto', '1');
    }
    const response = await fetch(url, { method, redirect: 'manual' });
    const location = response.headers.get('location');
    if (url.origin === publicUrl) await show(response);
    else await response.body?.cancel();
    if (location === null) return url;
    url = new URL(location, url);
    if (url.searchParams.has('code')) canary('code', url.searchParams.get('code') ?? '');
    method = 'GET';
    if (url.href.startsWith(RETURN_URL) || url.href.startsWith(OWN_CALLBACK)) return url;
  }
}

/** The address to go on to carries what it must, to where it belongs; nothing else may. */
async function show(response: Response): Promise<void> {
  const headers = [...response.headers].filter(([name]) => name !== 'location');
  haystack(
    `page ${new URL(response.url).pathname.replace(/(connect|consent)\/.*/, '$1')}`,
    `${JSON.stringify(headers)}\n${await response.text()}`,
  );
}

async function browse(): Promise<void> {
  const callback = `${publicUrl}/oauth2/callback`;
  const state = 'canary-state-that-nobody-made-0123456789abcdef';
  const code = 'canary-code-that-nobody-made-0123456789abcdef';
  canary('state', state);
  canary('code', code);
  const form = new URLSearchParams({ state, code });
  await show(await fetch(`${callback}?${form}`, { redirect: 'manual' }));
  await show(await fetch(callback, { method: 'POST', body: form, redirect: 'manual' }));
  await show(await fetch(`${callback}?${new URLSearchParams({ state, error: 'x', error_description: DESCRIPTION })}`));
  await show(await fetch(`${publicUrl}/connect/${state}`));
  await show(await fetch(`${publicUrl}/admin-consent/${state}`));
  await show(await fetch(`${publicUrl}/elsewhere?${form}`));
}

async function gather(when: string): Promise<void> {
  for (const path of ['/metrics', '/livez', '/readyz']) {
    const response = await fetch(`http://${vault.addresses.ops}${path}`);
    haystack(`${path} ${when}`, `${JSON.stringify([...response.headers])}\n${await response.text()}`);
  }
  gatherFiles(when);
}

function gatherFiles(when: string): void {
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const path = join(folder, name);
    if (statSync(path).isFile()) haystacks.push({ place: `${name} ${when}`, text: readFileSync(path, 'latin1') });
  }
}

function leaksIn(
  stacks: readonly Haystack[],
  mayHold: (kind: string, place: string) => boolean = () => false,
): string[] {
  const found = new Set<string>();
  for (const { kind, value } of canaries) {
    for (const form of hiddenForms(value)) {
      for (const { place, text } of stacks) {
        if (!mayHold(kind, place) && text.includes(form)) found.add(`${kind} in ${place}`);
      }
    }
  }
  return [...found];
}

test('every method was called, and every kind of secret passed through', () => {
  const all = SERVICES.flatMap((service) =>
    service.methods.map((method) => `${service.typeName.split('.').at(-1)}/${method.name}`),
  );
  expect(new Set(tap.calls.map(({ method }) => method))).toEqual(new Set(all));
  // Each went well at least once: a method that only ever refuses proves nothing.
  const well = new Set(tap.calls.filter(({ answers }) => answers.length > 0).map(({ method }) => method));
  expect(all.filter((method) => !well.has(method))).toEqual([]);
  expect(new Set(canaries.map(({ kind }) => kind))).toEqual(
    new Set([
      'access_token',
      'api_key',
      'client_assertion',
      'client_secret',
      'code',
      'code_verifier',
      'confirmation',
      'display_name',
      'email',
      'error_description',
      'handle',
      'id_token',
      'nonce',
      'private_key',
      'refresh_token',
      'shown_handle',
      'signing_secret',
      'state',
      'username',
    ]),
  );
  expect(canaries.filter(({ value }) => value.length < 16)).toEqual([]);
});

test('what is looked for would be found, in each encoding and at each alignment', () => {
  const { value } = canaries.find(({ kind }) => kind === 'client_secret') ?? { value: '' };
  const around = ['', 'a', 'ab', 'abc'].map((before) => Buffer.from(`${before}${value}zz`));
  const texts = around.flatMap((bytes) => [
    bytes.toString('utf8'),
    bytes.toString('base64'),
    bytes.toString('base64url'),
    bytes.toString('hex'),
    encodeURIComponent(bytes.toString('utf8')),
  ]);
  for (const text of texts) expect(leaksIn([{ place: 'here', text }]), text).toContain('client_secret in here');
});

test.each([
  'stdout',
  'stderr',
  'vault.db ',
  'vault.db-wal',
  'audit.jsonl',
  '/metrics',
  'webhook',
  'page /connect',
  'page /admin-consent',
  'page /oauth2/callback',
])('there is something to search in %s', (place) => {
  expect(haystacks.some((stack) => stack.place.includes(place) && stack.text.length > 0)).toBe(true);
});

test('logs, files, pages and metrics hold none', () => {
  expect(leaksIn(haystacks, (kind, place) => kind === 'shown_handle' && place.includes('page /connect'))).toEqual([]);
});

test('the log at level debug tells of the calls, so that there was something to leak', () => {
  expect(vault.written.stderr).toContain('"event":"call_request"');
  expect(vault.written.stderr).toContain('ImportConnection');
});

test('errors, their details and all metadata hold none', () => {
  const stacks = tap.calls.map(({ method, around }) => ({ place: method, text: around }));
  expect(tap.calls.filter(({ code }) => code !== 0).length).toBeGreaterThan(20);
  expect(leaksIn(stacks)).toEqual([]);
});

test('answers hold access tokens in TokenService alone, and else only what their callers must get', () => {
  /** The way to Entra, and who was connected. */
  const needed: Readonly<Record<string, readonly string[]>> = {
    'ConnectionService/StartAuthorization': ['handle', 'shown_handle', 'state', 'nonce', 'username'],
    'ConnectionService/StartAdminConsent': ['handle', 'state'],
  };
  const leaks = tap.calls.flatMap(({ method, answers }) => {
    const may = new Set(needed[method] ?? []);
    if (method.startsWith('TokenService/')) may.add('access_token');
    // Entra writes them into the access token, too.
    if (/^(Connection|Token)Service/.test(method))
      for (const kind of ['username', 'display_name', 'email']) may.add(kind);
    return leaksIn(
      answers.map((text) => ({ place: method, text })),
      (kind) => may.has(kind),
    );
  });
  expect([...new Set(leaks)]).toEqual([]);
});
