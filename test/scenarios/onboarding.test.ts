import { createHash } from 'node:crypto';
import { timestampFromMs, timestampMs } from '@bufbuild/protobuf/wkt';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TokenSource } from '../../src/gen/tokenvault/v1/access_token_pb.ts';
import { App_State, Cloud } from '../../src/gen/tokenvault/v1/app_pb.ts';
import { CredentialProbe_Outcome } from '../../src/gen/tokenvault/v1/credential_pb.ts';
import { Tenant_State } from '../../src/gen/tokenvault/v1/tenant_pb.ts';
import { CONTOSO, FABRIKAM } from '../../src/sandbox/state/seed_data.ts';
import { jpeg, png } from '../registry/images.ts';
import { CONTOSO_USER, importAda, type Onboarded, onboard } from './onboard.ts';
import { failureOf, reasonOf, type Scenario, startScenario } from './start_scenario.ts';

const GRAPH = 'https://graph.microsoft.com';
const OUTLOOK = 'https://outlook.office.com';
const DAY = 86_400_000;

let scenario: Scenario;
beforeAll(async () => {
  scenario = await startScenario();
});
afterAll(() => scenario.close());

const register = (tenantId: string, preset: string, more: object = {}, app: object = {}) => {
  const registration = scenario.sandbox.addApp({ secrets: [{}] });
  return scenario.tenants.registerTenant({
    tenantId,
    displayName: 'Tailspin',
    preset,
    ...more,
    app: {
      clientId: registration.clientId,
      credential: { case: 'clientSecret', value: registration.secrets[0]?.value ?? '' },
      secretExpireTime: timestampFromMs(scenario.sandbox.clock.now() + 300 * DAY),
      cloud: Cloud.CUSTOM,
      ...app,
    },
  });
};

const metrics = async () => (await fetch(`http://${scenario.vault.addresses.ops}/metrics`)).text();

const token = (connection: string) => scenario.tokens.getAccessToken({ connection, scopes: ['Mail.ReadOnly'] });

describe('a preset sets everything that a known product needs', () => {
  test('aurinko: the vault runs the callback, personal accounts too, and its scopes become Graph permissions', async () => {
    const { tenant, app, nextSteps } = await register('preset-aurinko', 'aurinko');

    expect(tenant).toMatchObject({ name: 'tenants/preset-aurinko', displayName: 'Tailspin', catalog: 'aurinko' });
    expect(tenant?.state).toBe(Tenant_State.ACTIVE);
    expect(app).toMatchObject({ name: 'tenants/preset-aurinko/apps/default', signInAudience: 'common' });
    expect(app?.implicitPermissions.toSorted()).toEqual(
      ['MailboxSettings.Read', 'User.Read', 'email', 'offline_access', 'openid', 'profile'].toSorted(),
    );
    expect(nextSteps?.redirectUris).toEqual([scenario.callbackUri]);
    expect(nextSteps?.permissions).toHaveLength(1);
    expect(nextSteps?.permissions[0]).toMatchObject({
      resource: GRAPH,
      permissions: [
        'Calendars.ReadWrite',
        'Contacts.ReadWrite',
        'Mail.ReadWrite',
        'Mail.Send',
        'MailboxSettings.Read',
        'Tasks.ReadWrite',
        'User.Read',
      ],
    });
    expect(nextSteps?.warnings).toEqual([]);
  });

  test('chatwoot: its own callback below its address, and permissions of Graph and Outlook', async () => {
    const { tenant, app, nextSteps } = await register('preset-chatwoot', 'chatwoot', {
      baseUrl: 'https://chat.tailspin.example',
    });

    expect(tenant?.catalog).toBe('microsoft');
    expect(app).toMatchObject({
      signInAudience: 'organizations',
      redirectUris: ['https://chat.tailspin.example/microsoft/callback'],
    });
    expect(nextSteps?.redirectUris).toEqual(['https://chat.tailspin.example/microsoft/callback']);
    expect(nextSteps?.permissions.map(({ resource }) => resource)).toEqual([GRAPH, OUTLOOK]);
    expect(nextSteps?.permissions[1]?.permissions).toEqual(['IMAP.AccessAsUser.All', 'SMTP.Send']);
  });

  test('deskpro: its admin page is the callback, and a secret that never ends is listed as such and warned of', async () => {
    const { tenant, app, nextSteps } = await register(
      'preset-deskpro',
      'deskpro',
      { baseUrl: 'https://help.tailspin.example' },
      { secretExpireTime: timestampFromMs(Date.UTC(2299, 11, 31)) },
    );

    expect(app).toMatchObject({
      signInAudience: 'organizations',
      redirectUris: ['https://help.tailspin.example/admin/office365/token'],
    });
    expect(nextSteps?.warnings.join(' ')).toContain('never expires (2299-12-31)');
    expect(app?.credentials).toMatchObject([{ neverExpires: true, expireTime: { seconds: 10_413_705_600n } }]);
    expect(tenant?.nextCredentialExpireTime).toBeUndefined();

    const end = timestampFromMs(scenario.sandbox.clock.now() + 300 * DAY);
    await scenario.apps.addCredential({
      parent: app?.name ?? '',
      credentialId: 'next',
      credential: { material: { case: 'clientSecret', value: 'another-of-at-most-24-months' }, expireTime: end },
    });

    const [read, { tenants }] = [
      await scenario.apps.getApp({ name: app?.name ?? '' }),
      await scenario.tenants.listTenants({ pageSize: 1_000 }),
    ];
    expect(read.app?.credentials.map(({ neverExpires }) => neverExpires)).toEqual([true, false]);
    expect(tenants.find(({ name }) => name === tenant?.name)?.nextCredentialExpireTime).toEqual(end);
    const ends = [...(await metrics()).matchAll(/tenant="preset-deskpro",app="default",credential="(\w+)"/g)];
    expect(ends.map(([, credential]) => credential)).toEqual(['next', 'default']);
  });

  test("botpress-v12: the vault's callback takes over, and Botpress's own stays beside it", async () => {
    const { app, nextSteps } = await register('preset-v12', 'botpress-v12', {
      baseUrl: 'https://bots.tailspin.example',
      strategy: 'microsoft',
    });

    const callbacks = [
      scenario.callbackUri,
      'https://bots.tailspin.example/api/v1/auth/login-callback/oauth2/microsoft',
    ];
    expect(app).toMatchObject({
      signInAudience: 'common',
      redirectUris: callbacks,
      returnUrlPrefixes: ['https://bots.tailspin.example/'],
    });
    expect(app?.implicitPermissions).toContain('offline_access');
    expect(nextSteps?.redirectUris).toEqual(callbacks);
    expect(nextSteps?.steps.join(' ')).toContain('"ID tokens"');
  });

  test('botpress-cloud: the webhook is the callback, and sharing one app is hinted at', async () => {
    const { app, nextSteps } = await register('preset-cloud', 'botpress-cloud');

    expect(app?.redirectUris).toEqual(['https://webhook.botpress.cloud/oauth']);
    expect(nextSteps?.steps.join(' ')).toContain('shared_with');
  });

  test('the admin-consent address names the client, the permissions and the redirect URI', async () => {
    const { app, nextSteps } = await register('preset-consent', 'chatwoot', { baseUrl: 'https://chat.example' });

    const address = new URL(nextSteps?.adminConsentUri ?? '');
    expect(address.origin).toBe(scenario.sandbox.url);
    expect(address.pathname).toBe('/organizations/v2.0/adminconsent');
    expect(address.searchParams.get('client_id')).toBe(app?.clientId);
    expect(address.searchParams.get('redirect_uri')).toBe('https://chat.example/microsoft/callback');
    expect(address.searchParams.get('scope')?.split(' ')).toContain(`${OUTLOOK}/SMTP.Send`);
  });
});

describe('registration needs a preset, a client id, a secret and at most a URL', () => {
  const typed = (preset: string, more: object = {}) =>
    scenario.tenants.registerTenant({
      tenantId: `typed-${preset}`,
      preset,
      ...more,
      app: {
        clientId: '11111111-2222-4333-8444-555555555555',
        credential: { case: 'clientSecret', value: 'abc8Q~NotASecretOfAnybody_1234567890abcdef' },
      },
    });

  const TYPES_OF = {
    organizations: '"Multiple Entra ID tenants"',
    common: '"Any Entra ID Tenant + Personal Microsoft accounts"',
  };

  test.each([
    { preset: 'aurinko', audience: 'common', permission: 'Calendars.ReadWrite' },
    {
      preset: 'chatwoot',
      baseUrl: 'https://chat.example',
      audience: 'organizations',
      uri: 'https://chat.example/microsoft/callback',
      permission: 'IMAP.AccessAsUser.All',
    },
    {
      preset: 'deskpro',
      baseUrl: 'https://help.example/desk/',
      audience: 'organizations',
      uri: 'https://help.example/desk/admin/office365/token',
      permission: 'offline_access',
    },
    { preset: 'botpress-v12', baseUrl: 'https://bot.example', audience: 'common', permission: 'offline_access' },
    {
      preset: 'botpress-cloud',
      audience: 'organizations',
      uri: 'https://webhook.botpress.cloud/oauth',
      permission: 'offline_access',
    },
  ] as const)('$preset', async ({ preset, audience, permission, ...given }) => {
    const uri = 'uri' in given ? given.uri : scenario.callbackUri;
    const { app, nextSteps } = await typed(preset, 'baseUrl' in given ? { baseUrl: given.baseUrl } : {});

    expect(app).toMatchObject({ signInAudience: audience, redirectUris: [uri] });
    const stored = await scenario.apps.getApp({ name: app?.name ?? '' });
    expect(stored.app).toEqual(app);
    const all = nextSteps?.steps ?? [];
    const steps = all.slice(all.findIndex((step) => !step.startsWith('An administrator must consent')));
    expect(steps[0]).toContain('https://entra.microsoft.com');
    expect(steps[0]).toContain(TYPES_OF[audience]);
    expect(steps[1]).toContain(uri);
    expect(steps.slice(2).join(' ')).toContain(permission);
    expect(steps.join(' ')).toContain(nextSteps?.adminConsentUri);
    expect(new URL(nextSteps?.adminConsentUri ?? '').searchParams.get('redirect_uri')).toBe(uri);
    expect(nextSteps?.warnings.join(' ')).toContain('is unknown');
  });

  test.each([
    ['base_url', 'chatwoot', {}],
    ['base_url', 'chatwoot', { baseUrl: 'http://chat.example' }],
    ['base_url', 'deskpro', { baseUrl: 'https://help.example/../desk' }],
    ['base_url', 'botpress-v12', { strategy: 'azure' }],
    ['strategy', 'botpress-v12', { baseUrl: 'https://bot.example', strategy: 'azure/../x' }],
    ['strategy', 'aurinko', { strategy: 'azure' }],
    ['preset', 'slack', {}],
  ])('a bad %s is named, and nothing is stored', async (field, preset, more) => {
    const error = await failureOf(typed(preset, { ...more, tenantId: 'never-stored' }));
    expect([error?.reason, error?.metadata['field']]).toEqual(['FIELD_INVALID', field]);
    expect(await reasonOf(scenario.tenants.getTenant({ name: 'tenants/never-stored' }))).toBe('TENANT_NOT_FOUND');
  });
});

describe('a logo', () => {
  const largest = png(1024, 1024, [
    'teXt',
    new Uint8Array(32_768 - png(1024, 1024, ['teXt', new Uint8Array()]).length),
  ]);

  test('of 32 KiB fits into a message, and is returned as a URL', async () => {
    const { name } = await onboard(scenario, 'with-logo');
    const parent = `${name}/apps`;
    const clientId = '11111111-2222-4333-8444-555555555555';
    const created = await scenario.apps.createApp({ parent: name, appId: 'second', app: { clientId, logo: largest } });

    const hash = createHash('sha256').update(largest).digest('hex');
    expect(created.app).toMatchObject({ name: `${parent}/second`, logoUri: `${scenario.publicUrl}/logos/${hash}` });
    expect(created.app?.logo).toHaveLength(0);

    const app = { name: `${parent}/second` };
    const kept = await scenario.apps.updateApp({ app: { ...app, displayName: 'Second' } });
    expect(kept.app?.logoUri).toBe(created.app?.logoUri);
    const changed = await scenario.apps.updateApp({ app: { ...app, logo: jpeg() }, updateMask: { paths: ['logo'] } });
    expect(changed.app?.logoUri).not.toBe(created.app?.logoUri);
    const removed = await scenario.apps.updateApp({ app, updateMask: { paths: ['logo'] } });
    expect(removed.app?.logoUri).toBe('');
  });

  test('that is too large or not an image is rejected with its field name', async () => {
    const { app: name } = await onboard(scenario, 'bad-logo');
    const tooLarge = new Uint8Array([...largest, 0]);
    for (const logo of [tooLarge, new TextEncoder().encode('<svg/>')]) {
      const error = await failureOf(scenario.apps.updateApp({ app: { name, logo } }));
      expect([error?.reason, error?.metadata['field']]).toEqual(['FIELD_INVALID', 'app.logo']);
    }
    expect((await scenario.apps.getApp({ name })).app?.logoUri).toBe('');
  });
});

describe('registering', () => {
  test('validate_only returns the result and stores nothing', async () => {
    const answer = await register('only-tried', 'aurinko', { validateOnly: true });

    expect(answer.tenant?.name).toBe('tenants/only-tried');
    expect(await reasonOf(scenario.tenants.getTenant({ name: 'tenants/only-tried' }))).toBe('TENANT_NOT_FOUND');
    expect(await reasonOf(scenario.apps.getApp({ name: 'tenants/only-tried/apps/default' }))).not.toBe('OK');
    expect(await reasonOf(register('only-tried', 'aurinko'))).toBe('OK');
  });

  test('a credential that Entra rejects is stored with a warning', async () => {
    const credential = { case: 'clientSecret', value: 'not-the-one-at-all-0123456789abcdef' };
    const answer = await register('wrong-secret', 'aurinko', {}, { signInAudience: CONTOSO, credential });

    expect(answer.credentialProbe?.outcome).toBe(CredentialProbe_Outcome.PROPAGATING);
    expect(answer.nextSteps?.warnings.join(' ')).toContain('Credential default');
    expect(await reasonOf(scenario.tenants.getTenant({ name: 'tenants/wrong-secret' }))).toBe('OK');
  });

  test('an existing name is rejected with TENANT_EXISTS and changes nothing', async () => {
    const { tenant } = await register('taken', 'aurinko');

    expect(await reasonOf(register('taken', 'chatwoot', { baseUrl: 'https://other.example' }))).toBe('TENANT_EXISTS');

    const again = await scenario.tenants.getTenant({ name: 'tenants/taken' });
    expect(again.tenant).toEqual(tenant);
  });

  test('the tenant has the soonest expiry of its credentials', async () => {
    const end = scenario.sandbox.clock.now() + 50 * DAY;
    const { tenant } = await register('ending', 'aurinko', {}, { secretExpireTime: timestampFromMs(end) });

    expect(tenant?.nextCredentialExpireTime && timestampMs(tenant.nextCredentialExpireTime)).toBe(end);
  });
});

describe('a tenant without an app', () => {
  const connectIt = (name: string, app = '') =>
    scenario.connections.startAuthorization({
      connection: `${name}/connections/ada`,
      app,
      scopes: ['Mail.ReadOnly'],
      autoConfirm: true,
    });

  test('has a next step, and a connect call without an app names the missing field', async () => {
    const { tenant, app, credentialProbe, nextSteps } = await scenario.tenants.registerTenant({
      tenantId: 'guest',
      preset: 'aurinko',
    });

    expect([app, credentialProbe]).toEqual([undefined, undefined]);
    expect(tenant).toMatchObject({ name: 'tenants/guest', catalog: 'aurinko', state: Tenant_State.ACTIVE });
    expect(nextSteps?.steps[0]).toContain('tenants/guest has no app');
    const failure = await failureOf(connectIt('tenants/guest'));
    expect(failure?.reason).toBe('APP_NOT_FOUND');
    expect(failure?.message).toMatch(/tenants\/guest\/apps\/default.*shared app.*CreateApp/);
  });

  test('connects through a shared app, as its next steps say', async () => {
    const { app, clientId } = await onboard(scenario, 'host');
    const { nextSteps } = await scenario.tenants.registerTenant({ tenantId: 'visitor', preset: 'aurinko' });
    expect(nextSteps?.steps.join(' ')).toContain('adds tenants/visitor to its shared_with');
    expect(await reasonOf(connectIt('tenants/visitor', app))).toBe('APP_NOT_FOUND');

    await scenario.apps.updateApp({ app: { name: app, sharedWith: ['tenants/visitor'] } });
    const { connectUri } = await connectIt('tenants/visitor', app);
    await scenario.browser.walk(connectUri, { as: CONTOSO_USER });

    expect((await token('tenants/visitor/connections/ada')).permissions).toContain('Mail.Read');
    expect(scenario.asked(clientId, 'authorization_code')).toHaveLength(1);
  });

  test('can add its own app later, which is then the default', async () => {
    const { tenant } = await scenario.tenants.registerTenant({ tenantId: 'late', preset: 'aurinko' });
    const clientId = '11111111-2222-4333-8444-555555555555';
    const name = tenant?.name ?? '';
    await scenario.apps.createApp({ parent: name, appId: 'default', app: { clientId, cloud: Cloud.CUSTOM } });

    const { authorizationUri } = await connectIt(name);
    expect(new URL(authorizationUri).searchParams.get('client_id')).toBe(clientId);
  });

  test('is deleted like any other', async () => {
    const { tenant } = await scenario.tenants.registerTenant({ tenantId: 'brief' });
    const { name = '', etag = '' } = tenant ?? {};

    expect(await reasonOf(scenario.tenants.deleteTenant({ name, etag }))).toBe('OK');
    expect(await reasonOf(scenario.tenants.getTenant({ name }))).toBe('TENANT_NOT_FOUND');
  });
});

describe('registering a deleted name again', () => {
  test('creates another uid, and nothing of the old tenant is served', async () => {
    const first = await onboard(scenario, 'phoenix');
    const connection = await importAda(scenario, first, 'ada');
    await token(connection);
    const { tenant: before } = await scenario.tenants.getTenant({ name: first.name });

    await scenario.tenants.deleteTenant({ name: first.name, etag: before?.etag ?? '', force: true });
    expect(await reasonOf(token(connection))).not.toBe('OK');
    await onboard(scenario, 'phoenix');

    const { tenant: after } = await scenario.tenants.getTenant({ name: first.name });
    expect(after?.uid).not.toBe(before?.uid);
    expect(await reasonOf(token(connection))).toBe('CONNECTION_NOT_FOUND');
    const { connections } = await scenario.connections.listConnections({ parent: first.name });
    expect(connections).toEqual([]);
  });
});

describe('DeleteTenant', () => {
  test('requires the current etag', async () => {
    const { name } = await onboard(scenario, 'careful');

    expect(await reasonOf(scenario.tenants.deleteTenant({ name }))).toBe('FIELD_INVALID');
    expect(await reasonOf(scenario.tenants.deleteTenant({ name, etag: 'stale' }))).toBe('ETAG_MISMATCH');

    const { tenant } = await scenario.tenants.getTenant({ name });
    await scenario.tenants.deleteTenant({ name, etag: tenant?.etag ?? '' });
    expect(await reasonOf(scenario.tenants.getTenant({ name }))).toBe('TENANT_NOT_FOUND');
  });

  test('requires force if connections exist', async () => {
    const tenant = await onboard(scenario, 'crowded');
    await importAda(scenario, tenant, 'ada');
    const { tenant: read } = await scenario.tenants.getTenant({ name: tenant.name });
    const etag = read?.etag ?? '';

    expect(await reasonOf(scenario.tenants.deleteTenant({ name: tenant.name, etag }))).toBe('TENANT_NOT_EMPTY');
    expect(await reasonOf(scenario.tenants.deleteTenant({ name: tenant.name, etag, force: true }))).toBe('OK');
  });

  test('is rejected, even with force, while another tenant uses its shared app', async () => {
    const owner = await onboard(scenario, 'lender');
    await scenario.apps.updateApp({
      app: { name: owner.app, sharedWith: ['tenants/borrower'] },
      updateMask: { paths: ['shared_with'] },
    });
    const borrower = await onboard(scenario, 'borrower');
    await scenario.connections.importConnection({
      connection: borrower.connection('ada'),
      app: owner.app,
      scopes: ['Mail.ReadOnly'],
      refreshToken: scenario.sandbox.issueRefreshToken({
        clientId: owner.clientId,
        userObjectId: 'ada@contoso.example',
        scopes: 'openid profile offline_access User.Read MailboxSettings.Read Mail.Read',
      }),
    });
    const { tenant } = await scenario.tenants.getTenant({ name: owner.name });
    const request = { name: owner.name, etag: tenant?.etag ?? '', force: true };

    expect(await reasonOf(scenario.tenants.deleteTenant(request))).toBe('APP_IN_USE');
    expect(await reasonOf(scenario.apps.deleteApp({ name: owner.app, force: true }))).toBe('APP_IN_USE');
    expect(await reasonOf(token(borrower.connection('ada')))).toBe('OK');

    await scenario.connections.deleteConnection({ name: borrower.connection('ada') });
    expect(await reasonOf(scenario.tenants.deleteTenant(request))).toBe('OK');
  });
});

describe('a suspension applies at once to cached tokens, and resuming restores them', () => {
  let tenant: Onboarded;
  let connection: string;
  beforeAll(async () => {
    tenant = await onboard(scenario, 'pausing');
    connection = await importAda(scenario, tenant, 'ada');
  });

  test.each([
    [
      'TENANT_SUSPENDED',
      () => scenario.tenants.suspendTenant({ name: tenant.name }),
      () => scenario.tenants.resumeTenant({ name: tenant.name }),
    ],
    [
      'APP_SUSPENDED',
      () => scenario.apps.updateApp({ app: { name: tenant.app, suspended: true } }),
      () => scenario.apps.updateApp({ app: { name: tenant.app }, updateMask: { paths: ['suspended'] } }),
    ],
    [
      'CONNECTION_SUSPENDED',
      () => scenario.connections.suspendConnection({ name: connection }),
      () => scenario.connections.resumeConnection({ name: connection }),
    ],
  ] as const)('%s', async (reason, suspend, resume) => {
    await token(connection);
    expect((await token(connection)).source).toBe(TokenSource.CACHE);

    await suspend();
    expect(await reasonOf(token(connection))).toBe(reason);
    await suspend();
    expect(await reasonOf(token(connection))).toBe(reason);
    const asked = scenario.asked(tenant.clientId).length;
    expect(await reasonOf(token(connection))).toBe(reason);
    expect(scenario.asked(tenant.clientId)).toHaveLength(asked);

    await resume();
    const back = await token(connection);
    expect(await scenario.use('/graph/v1.0/me/messages', back.accessToken)).toBe(200);
  });

  test('a suspended tenant cannot connect users', async () => {
    await scenario.tenants.suspendTenant({ name: tenant.name });

    const start = scenario.connections.startAuthorization({
      connection: tenant.connection('grace'),
      scopes: ['Mail.ReadOnly'],
      autoConfirm: true,
    });

    expect(await reasonOf(start)).toBe('TENANT_SUSPENDED');
    await scenario.tenants.resumeTenant({ name: tenant.name });
  });
});

describe('UpdateTenant', () => {
  test('changes only the fields of the mask', async () => {
    const { name } = await onboard(scenario, 'changing', {
      tenant: { displayName: 'Before', labels: { tier: 'gold' } },
    });

    const { tenant } = await scenario.tenants.updateTenant({
      tenant: { name, displayName: 'After', labels: { tier: 'lead' } },
      updateMask: { paths: ['display_name'] },
    });

    expect(tenant).toMatchObject({ displayName: 'After', labels: { tier: 'gold' }, catalog: 'aurinko' });
  });

  test('without a mask changes the fields that are set', async () => {
    const { name } = await onboard(scenario, 'changing-more', { tenant: { displayName: 'Before' } });

    const { tenant } = await scenario.tenants.updateTenant({ tenant: { name, labels: { tier: 'lead' } } });

    expect(tenant).toMatchObject({ displayName: 'Before', labels: { tier: 'lead' } });
  });

  test('rejects a stale etag, an unknown field and an immutable field', async () => {
    const { name } = await onboard(scenario, 'guarded');
    const { tenant: read } = await scenario.tenants.getTenant({ name });
    const update = (paths: string[], etag = '') =>
      scenario.tenants.updateTenant({ tenant: { name, displayName: 'New', etag }, updateMask: { paths } });

    expect(await reasonOf(update(['display_name'], 'stale'))).toBe('ETAG_MISMATCH');
    expect(await reasonOf(update(['no_such_field']))).toBe('FIELD_INVALID');
    expect(await reasonOf(update(['state']))).toBe('FIELD_INVALID');
    expect(await reasonOf(update(['display_name'], read?.etag))).toBe('OK');
    expect(await reasonOf(update(['display_name'], read?.etag))).toBe('ETAG_MISMATCH');
  });

  test('a directory that is no longer allowed is rejected at the next token', async () => {
    const tenant = await onboard(scenario, 'narrowing');
    const connection = await importAda(scenario, tenant, 'ada');
    await token(connection);
    const allow = (allowedDirectoryIds: string[]) =>
      scenario.tenants.updateTenant({
        tenant: { name: tenant.name, allowedDirectoryIds },
        updateMask: { paths: ['allowed_directory_ids'] },
      });

    await allow([FABRIKAM]);
    expect(await reasonOf(token(connection))).toBe('DIRECTORY_NOT_ALLOWED');
    expect(await reasonOf(scenario.connections.verifyConnection({ name: connection }))).toBe('DIRECTORY_NOT_ALLOWED');

    await allow([FABRIKAM, CONTOSO.toUpperCase()]);
    expect(await reasonOf(token(connection))).toBe('OK');
  });
});

test('each page of tenants continues after the previous one', async () => {
  const names: string[] = [];
  let pageToken = '';
  do {
    const page = await scenario.tenants.listTenants({ pageSize: 3, pageToken });
    expect(page.tenants.length).toBeLessThanOrEqual(3);
    names.push(...page.tenants.map(({ name }) => name));
    pageToken = page.nextPageToken;
  } while (pageToken !== '');

  const { tenants } = await scenario.tenants.listTenants({ pageSize: 1000 });
  expect(names).toEqual(tenants.map(({ name }) => name));
  expect(names).toEqual(names.toSorted());
  expect(new Set(names).size).toBe(names.length);
});

test('VerifyApp presents the credential now and brings the state of the app up to date', async () => {
  const tenant = await onboard(scenario, 'verified');
  const verify = () => scenario.apps.verifyApp({ name: tenant.app, directoryId: CONTOSO });
  expect((await verify()).credentialProbes[0]?.outcome).toBe(CredentialProbe_Outcome.ACCEPTED);

  scenario.sandbox.expireSecret(tenant.clientId, tenant.secret);
  const refused = await verify();

  expect(refused.credentialProbes[0]?.outcome).toBe(CredentialProbe_Outcome.REJECTED);
  expect(refused.credentialProbes[0]?.entraError).toContain('AADSTS7000222');
  expect(refused.app?.state).toBe(App_State.CREDENTIAL_REJECTED);
});
