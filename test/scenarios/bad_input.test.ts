import { connect } from 'node:net';
import type { ServiceError } from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Cloud } from '../../src/gen/tokenvault/v1/app_pb.ts';
import { toRpcError } from '../../src/rpc/client_rpc_error.ts';
import { createBareClient } from '../rpc/bare_client.ts';
import { makeCertificate } from '../sandbox/certificate.ts';
import { importAda, type Onboarded, onboard, RETURN_URL } from './onboard.ts';
import { storedRows } from './rows.ts';
import { failureOf, reasonOf, type Scenario, startScenario } from './start_scenario.ts';

const MINUTE = 60_000;
const OWN_CALLBACK = 'http://localhost:3000/microsoft/callback';

let scenario: Scenario;
let acme: Onboarded;
let connection: string;
beforeAll(async () => {
  scenario = await startScenario();
  acme = await onboard(scenario, 'acme', {
    entra: { redirectUris: [scenario.callbackUri, OWN_CALLBACK] },
    app: { redirectUris: [scenario.callbackUri, OWN_CALLBACK] },
  });
  connection = await importAda(scenario, acme, 'ada');
  await token(['Mail.ReadOnly']);
});
afterAll(() => scenario.close());

let before: ReturnType<typeof storedRows>;
beforeEach(() => {
  before = storedRows(scenario.folder);
});
/** Nothing stored is lost or half-written, and the vault goes on answering. */
afterEach(async () => {
  expect(await reasonOf(token(['Mail.ReadOnly']))).toBe('OK');
  expect(storedRows(scenario.folder)).toEqual(before);
});

const token = (scopes: string[], more: object = {}) => scenario.tokens.getAccessToken({ connection, scopes, ...more });

/** The reason and the field that it names. */
async function fault(call: Promise<unknown>): Promise<readonly [string, string | undefined]> {
  const failure = await failureOf(call);
  if (failure === undefined) return ['OK', undefined];
  expect(failure.code).toBe('INVALID_ARGUMENT');
  expect(failure.message).toContain(`[${failure.reason}]`);
  return [failure.reason, failure.metadata['field']];
}

describe('scopes', () => {
  test.each([
    ['Mail.ReadOnyl', 'Mail.ReadOnly'],
    ['mail.readwrit', 'Mail.ReadWrite'],
    ['Calender.ReadOnly', 'Calendar.ReadOnly'],
    ['Contact.ReadOnly', 'Contacts.ReadOnly'],
  ])('%s is SCOPE_UNKNOWN; the answer offers %s', async (scope, meant) => {
    const failure = await failureOf(token([scope]));

    expect(failure).toMatchObject({ code: 'INVALID_ARGUMENT', reason: 'SCOPE_UNKNOWN' });
    expect(failure?.message).toContain(meant);
  });

  test('an unknown scope without a similar one is SCOPE_UNKNOWN in every method', async () => {
    const scopes = ['Zzz.Qqq'];
    const start = scenario.connections.startAuthorization({
      connection: acme.connection('nobody'),
      scopes,
      autoConfirm: true,
    });
    const imports = scenario.connections.importConnection({
      connection: acme.connection('nobody'),
      scopes,
      refreshToken: 'whatever',
    });

    const translation = scenario.scopes.translateScopes({ catalog: 'aurinko', scopes });
    const reasons = await Promise.all([token(scopes), start, imports, translation].map(reasonOf));
    expect(new Set(reasons)).toEqual(new Set(['SCOPE_UNKNOWN']));
  });

  test('of two resources: SCOPES_SPAN_RESOURCES', async () => {
    const both = await onboardInMicrosoft();

    const failure = await failureOf(
      scenario.tokens.getAccessToken({
        connection: both,
        scopes: ['Mail.Read', 'https://outlook.office.com/IMAP.AccessAsUser.All'],
      }),
    );

    expect(failure).toMatchObject({ code: 'INVALID_ARGUMENT', reason: 'SCOPES_SPAN_RESOURCES' });
    before = storedRows(scenario.folder);
  });

  async function onboardInMicrosoft(): Promise<string> {
    const tenant = await onboard(scenario, 'spanning', { tenant: { catalog: 'microsoft' } });
    return importAda(scenario, tenant, 'ada', { scopes: ['Mail.Read'] });
  }
});

describe('names and ids', () => {
  const names = [
    '',
    'acme',
    'tenants/',
    'tenants/Acme',
    'tenants/acme/',
    'tenants/acme/connections',
    '../acme',
    'tenants/ä',
  ];

  test.each(names)('tenant %j is NAME_INVALID, in the field name', async (name) => {
    expect(await fault(scenario.tenants.getTenant({ name }))).toEqual(['NAME_INVALID', 'name']);
    expect(await fault(scenario.tenants.deleteTenant({ name, etag: 'x', force: true }))).toEqual([
      'NAME_INVALID',
      'name',
    ]);
  });

  test.each([
    '',
    'tenants/acme/connections/',
    `tenants/acme/connections/${'x'.repeat(129)}`,
    'tenants/acme/connections/a b',
    'tenants/acme/connections/a/b',
    'tenants/acme/connections/ada\u0000',
    'tenants/acme/connections/ada\n',
    "tenants/acme/connections/'; DROP TABLE tenants; --",
    'tenants/-/connections/ada',
  ])('connection %j is NAME_INVALID', async (name) => {
    expect(await fault(scenario.connections.getConnection({ name }))).toEqual(['NAME_INVALID', 'name']);
    expect(await fault(scenario.tokens.getAccessToken({ connection: name }))).toEqual(['NAME_INVALID', 'connection']);
  });

  test.each(['', 'A', '9lives', '-a', 'a_b', 'a'.repeat(64), 'a.b', 'tenants/x'])(
    'tenant id %j is refused, and named',
    async (tenantId) => {
      const [reason, field] = await fault(scenario.tenants.registerTenant({ tenantId, app: registration() }));
      expect(['NAME_INVALID', 'FIELD_INVALID']).toContain(reason);
      expect(field).toBe('tenant_id');
    },
  );
});

const registration = (more: object = {}) => ({
  clientId: '22222222-2222-4222-8222-222222222222',
  credential: { case: 'clientSecret' as const, value: 'a-secret-long-enough-to-be-one-0123' },
  cloud: Cloud.CUSTOM,
  ...more,
});

describe('RegisterTenant names the field that is wrong', () => {
  test.each([
    ['app.client_id', { app: {} }],
    ['base_url', { preset: 'chatwoot', baseUrl: 'https://chat.example.com' }],
    ['strategy', { preset: 'botpress-v12', strategy: 'azure' }],
    ['app.client_id', { app: registration({ clientId: 'not-a-guid' }) }],
    ['app.client_id', { app: registration({ clientId: '' }) }],
    ['app.sign_in_audience', { app: registration({ signInAudience: 'everybody' }) }],
    ['app.cloud', { app: registration({ cloud: 99 }) }],
    ['app.redirect_uris[0]', { app: registration({ redirectUris: ['javascript:alert(1)'] }) }],
    ['app.redirect_uris[0]', { app: registration({ redirectUris: ['http://tailspin.example/callback'] }) }],
    ['app.redirect_uris[0]', { app: registration({ redirectUris: ['https://a.example/#fragment'] }) }],
    ['app.redirect_uris[1]', { app: registration({ redirectUris: ['https://a.example/cb', 'nonsense'] }) }],
    ['app.return_url_prefixes[0]', { app: registration({ returnUrlPrefixes: ['https://app.example/?next='] }) }],
    ['app.return_url_prefixes[0]', { app: registration({ returnUrlPrefixes: ['ftp://app.example/'] }) }],
    ['app.client_secret', { app: registration({ credential: { case: undefined } }) }],
    ['app.client_secret', { app: registration({ credential: { case: 'clientSecret', value: '' } }) }],
    ['app.secret_expire_time', { app: registration({ secretExpireTime: { seconds: 999_999_999_999n, nanos: 0 } }) }],
    ['app.secret_expire_time', { app: registration({ secretExpireTime: { seconds: 0n, nanos: -1 } }) }],
    ['preset', { preset: 'aurinkoo', app: registration() }],
    ['base_url', { preset: 'chatwoot', app: registration() }],
    ['base_url', { preset: 'chatwoot', baseUrl: 'chat.example.com', app: registration() }],
    ['catalog', { catalog: 'no-such-catalog', app: registration() }],
    ['allowed_directory_ids[0]', { allowedDirectoryIds: ['contoso'], app: registration() }],
    ['display_name', { displayName: 'x'.repeat(129), app: registration() }],
    ['labels', { labels: { UPPER: 'case' }, app: registration() }],
  ] as const)('%s', async (field, request) => {
    const call = scenario.tenants.registerTenant({ tenantId: 'newcomer', ...request } as Parameters<
      typeof scenario.tenants.registerTenant
    >[0]);

    const [reason, named] = await fault(call);

    expect(reason).toBe('FIELD_INVALID');
    expect(named === field || named?.startsWith(`${field}.`) || named?.startsWith(`${field}[`), `named ${named}`).toBe(
      true,
    );
    expect(await reasonOf(scenario.tenants.getTenant({ name: 'tenants/newcomer' }))).toBe('TENANT_NOT_FOUND');
  });
});

describe('PEMs', () => {
  const now = Date.now();
  const good = makeCertificate(now - 86_400_000, now + 86_400_000_0);
  const other = makeCertificate(now - 86_400_000, now + 86_400_000_0);
  test.each([
    ['certificate_pem', { certificatePem: 'not pem', privateKeyPem: good.privateKey }],
    ['certificate_pem', { certificatePem: '', privateKeyPem: good.privateKey }],
    ['certificate_pem', { certificatePem: good.certificate + good.privateKey, privateKeyPem: good.privateKey }],
    [
      'certificate_pem',
      { certificatePem: good.certificate.replace(/[A-Za-z]{8}/, 'AAAAAAAA'), privateKeyPem: good.privateKey },
    ],
    ['private_key_pem', { certificatePem: good.certificate, privateKeyPem: 'not pem' }],
    ['private_key_pem', { certificatePem: good.certificate, privateKeyPem: '' }],
    ['private_key_pem', { certificatePem: good.certificate, privateKeyPem: other.privateKey }],
  ])('%s is named', async (field, value) => {
    const [reason, named] = await fault(
      scenario.apps.addCredential({
        parent: acme.app,
        credentialId: 'cert',
        credential: { material: { case: 'certificate', value } },
      }),
    );

    expect([reason, named?.split('.').at(-1)]).toEqual(['FIELD_INVALID', field]);
  });
});

describe('other fields', () => {
  const start = (more: object) =>
    scenario.connections.startAuthorization({
      connection: acme.connection('new'),
      scopes: ['Mail.ReadOnly'],
      returnUrl: RETURN_URL,
      ...more,
    });
  const importing = (more: object) =>
    scenario.connections.importConnection({
      connection: acme.connection('new'),
      scopes: ['Mail.ReadOnly'],
      refreshToken: 'x',
      ...more,
    });
  test.each([
    ['return_url', () => start({ returnUrl: 'https://evil.example/' })],
    ['return_url', () => start({ returnUrl: 'http://127.0.0.1:3000@evil.example/' })],
    ['return_url', () => start({ returnUrl: 'http://127.0.0.1:3000/%2f..%2f' })],
    ['redirect_uri', () => start({ redirectUri: 'http://localhost:3000/elsewhere' })],
    ['directory_id', () => start({ directoryId: 'contoso' })],
    ['claims', () => start({ claims: '{"not json' })],
    ['scopes', () => start({ scopes: [] })],
    ['external_id', () => start({ externalId: 'x'.repeat(257) })],
    ['labels', () => start({ labels: { 'Not A Key': 'x' } })],
    ['labels.plan', () => importing({ labels: { plan: 'x'.repeat(129) } })],
    ['external_id', () => importing({ externalId: 'bell\u0007' })],
    ['account.email', () => importing({ account: { email: 'x'.repeat(257) } })],
    ['account.directory_id', () => importing({ account: { directoryId: 'contoso' }, validateOnly: true })],
    ['scopes', () => importing({ scopes: [], validateOnly: true })],
    ['refresh_token', () => importing({ refreshToken: '', validateOnly: true })],
    ['directory_id', () => scenario.connections.startAdminConsent({ parent: acme.name, directoryId: 'common' })],
    ['return_url', () => scenario.connections.startAdminConsent({ parent: acme.name, returnUrl: 'javascript:x' })],
    ['object_id', () => scenario.connections.listConnections({ parent: acme.name, objectId: 'ada' })],
    ['directory_id', () => scenario.connections.listConnections({ parent: acme.name, directoryId: '../x' })],
    ['claims', () => token(['Mail.ReadOnly'], { claims: 'AAAA' })],
    ['claims', () => token(['Mail.ReadOnly'], { claims: `{"a":"${'x'.repeat(9000)}"}` })],
    ['rejected_token_sha256', () => token(['Mail.ReadOnly'], { rejectedTokenSha256: 'abc' })],
    ['resource', () => scenario.tokens.getAppAccessToken({ app: acme.app, resource: 'not a uri' })],
    [
      'directory_id',
      () =>
        scenario.tokens.getAppAccessToken({
          app: acme.app,
          resource: 'https://graph.microsoft.com',
          directoryId: '../../evil',
        }),
    ],
    ['page_size', () => scenario.tenants.listTenants({ pageSize: -1 })],
    ['page_token', () => scenario.tenants.listTenants({ pageToken: 'made-up' })],
    ['page_token', () => scenario.connections.listConnections({ parent: acme.name, pageToken: 'AAAA' })],
    ['refresh_token', () => scenario.connections.importConnection({ connection, scopes: ['Mail.ReadOnly'] })],
    ['label', () => scenario.connections.listConnections({ parent: acme.name, label: 'no-equals-sign' })],
    ['catalog', () => scenario.scopes.translateScopes({ catalog: 'nope', scopes: ['Mail.Read'] })],
    ['state', () => scenario.connections.completeAuthorization({ connection, answer: { case: 'code', value: 'x' } })],
    ['confirmation', () => scenario.connections.confirmAuthorization({ connection })],
  ] as const)('%s is named', async (field, call) => {
    const [reason, named] = await fault(call());

    expect(reason).toBe('FIELD_INVALID');
    expect(named?.replace(/^(connection|app|tenant)\./, '')).toBe(field);
  });

  test('a client_id cannot be changed', async () => {
    const app = { name: acme.app, clientId: '33333333-3333-4333-8333-333333333333' };
    const update = scenario.apps.updateApp({ app, updateMask: { paths: ['client_id'] } });

    expect(await reasonOf(update)).toBe('FIELD_INVALID');
  });
});

describe('state', () => {
  const complete = (state: string) =>
    scenario.connections.completeAuthorization({ connection, state, answer: { case: 'code', value: 'a-code' } });
  const started = () =>
    scenario.connections.startAuthorization({ connection, scopes: ['Mail.ReadOnly'], redirectUri: OWN_CALLBACK });
  const stateIn = (authorizationUri: string) => new URL(authorizationUri).searchParams.get('state') ?? '';

  test.each(['unknown', 'x'.repeat(43), '\u0000', `${'x'.repeat(10_000)}`])('%.20j is STATE_INVALID', async (state) => {
    expect(await reasonOf(complete(state))).toBe('STATE_INVALID');
  });

  test('that was used or has expired is STATE_INVALID, and the old grant is still used', async () => {
    const used = stateIn((await started()).authorizationUri);
    expect(await reasonOf(complete(used))).not.toBe('OK');
    expect(await reasonOf(complete(used))).toBe('STATE_INVALID');

    const old = stateIn((await started()).authorizationUri);
    await scenario.later(11 * MINUTE);
    expect(await reasonOf(complete(old))).toBe('STATE_INVALID');

    const { connections: connectionRows } = storedRows(scenario.folder);
    expect(connectionRows).toEqual(before['connections']);
    before = storedRows(scenario.folder);
  });

  test('at the callback: a page that reflects no input', async () => {
    const attempts = [
      '?state=unknown&code=abc',
      '?state=<script>alert(1)</script>&code=abc',
      '?code=abc',
      '?state=a&state=b&code=c',
      '?error=access_denied&error_description=<script>alert(1)</script>&state=zzz',
      '?admin_consent=True&tenant=<script>alert(1)</script>&state=admin.zzz',
      `?admin_consent=True&tenant=../x&state=admin.${'x'.repeat(43)}`,
      '?error=<script>&state=admin.zzz&state=admin.yyy',
      '',
    ];
    for (const attempt of attempts) {
      const response = await fetch(`${scenario.callbackUri}${attempt}`, { redirect: 'manual' });
      const text = await response.text();
      expect(response.status).toBe(400);
      expect(text).not.toContain('script');
      expect(text).toContain('This link is no longer valid');
      expect(response.headers.get('cache-control')).toContain('no-store');
    }
  });

  test('an unknown link and an invalid one', async () => {
    for (const handle of ['unknown', 'x'.repeat(43), '%00', 'x'.repeat(5000)]) {
      for (const page of ['connect', 'admin-consent', 'logos']) {
        const response = await fetch(`${scenario.publicUrl}/${page}/${handle}`);
        await response.body?.cancel();
        expect([400, 404, 414, 431]).toContain(response.status);
      }
    }
  });
});

describe('invalid messages', () => {
  const METHODS = [
    ['admin', '/tokenvault.v1.TenantService/RegisterTenant'],
    ['admin', '/tokenvault.v1.TenantService/DeleteTenant'],
    ['grpc', '/tokenvault.v1.TokenService/GetAccessToken'],
    ['grpc', '/tokenvault.v1.ConnectionService/ImportConnection'],
  ] as const;

  async function send(listener: 'grpc' | 'admin', path: string, bytes: Uint8Array): Promise<string> {
    const client = createBareClient(scenario.vault.addresses[listener]);
    try {
      return await new Promise<string>((resolve) => {
        client.makeUnaryRequest(
          path,
          (one: Uint8Array) => Buffer.from(one),
          (one: Buffer) => one,
          bytes,
          (error: ServiceError | null) => resolve(error === null ? 'OK' : toRpcError(error).reason),
        );
      });
    } finally {
      client.close();
    }
  }

  test.each(METHODS)(
    '%s %s: broken protobuf is FIELD_INVALID, too much of it RESOURCE_EXHAUSTED',
    async (listener, path) => {
      const broken = [
        Uint8Array.of(0xff, 0xff, 0xff),
        Uint8Array.of(0x0a, 0x7f, 0x61),
        Uint8Array.of(0x0a, 0x02, 0xc3, 0x28),
      ];
      for (const bytes of broken) expect(await send(listener, path, bytes)).toBe('FIELD_INVALID');
      expect(await send(listener, path, new Uint8Array(5_000_000).fill(0x61))).toBe('RESOURCE_EXHAUSTED');
      expect(['NAME_INVALID', 'FIELD_INVALID']).toContain(
        await send(listener, path, new Uint8Array(60_000).fill(0x78)),
      );
    },
  );

  test('methods of the admin listener are unknown on the token listener', async () => {
    expect(await send('grpc', '/tokenvault.v1.TenantService/ListTenants', new Uint8Array())).toBe('UNIMPLEMENTED');
  });

  test('bytes that are not HTTP/2 close only that socket', async () => {
    for (const address of Object.values(scenario.vault.addresses)) {
      const [host = '', port] = address.split(':');
      await new Promise<void>((resolve) => {
        const socket = connect(Number(port), host, () => socket.end('\u0000\u0001\u0002 nonsense \r\n\r\n'));
        socket.on('error', () => {});
        socket.resume();
        socket.once('close', () => resolve());
      });
    }
  });
});
