import { beforeEach, describe, expect, test } from 'vitest';
import { VaultError } from '../../src/model/errors.ts';
import type { AppRegistration, RegisterTenant } from '../../src/registry/tenant_request_types.ts';
import {
  CALLBACK,
  CLIENT_ID,
  clientSecret,
  DIRECTORY,
  type OpenRegistry,
  openRegistry,
  refusal,
  registerWithApp,
  registration,
  SECRET,
  YEAR,
} from './open_registry.ts';

let registry: OpenRegistry;
beforeEach(async () => {
  registry = await openRegistry();
});

async function tenantCount(): Promise<number> {
  return (await registry.stores.tenants.list({ size: 10, after: undefined })).items.length;
}

describe('what is stored', () => {
  test('tenant, app and credential with the defaults of the API', async () => {
    const { tenant, app } = await registerWithApp(registry.tenants, registration());
    expect(tenant).toMatchObject({ tenantId: 'acme', displayName: 'acme', catalog: 'microsoft', state: 'ACTIVE' });
    expect(tenant.nextCredentialExpireTime).toBe(Date.UTC(2027, 5, 1));
    expect(app.app).toMatchObject({
      appId: 'default',
      displayName: 'acme',
      clientId: CLIENT_ID,
      cloud: 'GLOBAL',
      signInAudience: 'organizations',
      redirectUris: [CALLBACK],
      implicitPermissions: ['offline_access', 'openid', 'profile'],
      logoHash: undefined,
      branding: undefined,
      clientCapabilities: [],
      sharedWith: [],
      catalog: undefined,
    });
    expect(app.credentials).toMatchObject([{ credentialId: 'default', kind: 'CLIENT_SECRET', hint: 'abc' }]);
    expect(await registry.tenants.get('acme')).toEqual(tenant);
    expect(await registry.apps.get({ tenantId: 'acme', appId: 'default' })).toEqual(app);
  });

  test('the secret itself, sealed', async () => {
    const answer = await registerWithApp(registry.tenants, registration());
    expect(JSON.stringify(answer)).not.toContain(SECRET.slice(4));
    const [usable] = await registry.stores.apps.usableCredentials(answer.app.app);
    expect(usable?.material.kind === 'CLIENT_SECRET' && usable.material.clientSecret.reveal()).toBe(SECRET);
  });

  test('given fields override the preset', async () => {
    const given = registration(
      { preset: 'aurinko', catalog: 'microsoft', displayName: 'Acme' },
      {
        signInAudience: DIRECTORY.toUpperCase(),
        redirectUris: ['https://x.example/cb'],
        implicitPermissions: ['openid', 'HTTPS://graph.microsoft.com/user.read'],
      },
    );
    const { tenant, app } = await registerWithApp(registry.tenants, given);
    expect(tenant.catalog).toBe('microsoft');
    expect(app.app).toMatchObject({
      displayName: 'Acme',
      signInAudience: DIRECTORY,
      redirectUris: ['https://x.example/cb'],
      implicitPermissions: ['openid', 'User.Read'],
    });
  });
});

describe('presets', () => {
  const GRAPH = 'https://graph.microsoft.com';
  const OUTLOOK = 'https://outlook.office.com';

  test.each([
    {
      preset: 'aurinko',
      baseUrl: '',
      catalog: 'aurinko',
      signInAudience: 'common',
      redirectUris: [CALLBACK],
      implicitPermissions: ['offline_access', 'openid', 'email', 'profile', 'MailboxSettings.Read', 'User.Read'],
      permissions: {
        [GRAPH]: [
          'Calendars.ReadWrite',
          'Contacts.ReadWrite',
          'Mail.ReadWrite',
          'Mail.Send',
          'MailboxSettings.Read',
          'Tasks.ReadWrite',
          'User.Read',
        ],
      },
    },
    {
      preset: 'chatwoot',
      baseUrl: 'https://chat.example/',
      catalog: 'microsoft',
      signInAudience: 'organizations',
      redirectUris: ['https://chat.example/microsoft/callback'],
      implicitPermissions: ['email', 'profile', 'offline_access', 'openid'],
      permissions: { [GRAPH]: ['Mail.ReadWrite', 'Mail.Send'], [OUTLOOK]: ['IMAP.AccessAsUser.All', 'SMTP.Send'] },
    },
    {
      preset: 'deskpro',
      baseUrl: 'https://help.example/desk',
      catalog: 'microsoft',
      signInAudience: 'organizations',
      redirectUris: ['https://help.example/desk/admin/office365/token'],
      implicitPermissions: ['offline_access', 'openid', 'profile'],
      permissions: {},
    },
    {
      preset: 'botpress-v12',
      baseUrl: 'https://bot.example',
      catalog: 'microsoft',
      signInAudience: 'common',
      redirectUris: [CALLBACK],
      implicitPermissions: ['openid', 'profile', 'email', 'offline_access'],
      permissions: {},
    },
    {
      preset: 'botpress-cloud',
      baseUrl: '',
      catalog: 'microsoft',
      signInAudience: 'organizations',
      redirectUris: ['https://webhook.botpress.cloud/oauth'],
      implicitPermissions: ['offline_access', 'openid', 'profile'],
      permissions: {},
    },
  ])('$preset requires an id, a client id, a secret and at most a base URL', async (expected) => {
    const { preset, baseUrl, catalog, permissions, ...stored } = expected;
    const { tenant, app, nextSteps } = await registerWithApp(registry.tenants, registration({ preset, baseUrl }));
    expect(tenant.catalog).toBe(catalog);
    expect(app.app).toMatchObject(stored);
    expect(nextSteps.redirectUris).toEqual(stored.redirectUris);
    expect(nextSteps.permissions).toEqual(permissions);
    expect(nextSteps.warnings).toEqual([]);
    expect(registry.entra.consents.at(-1)?.redirectUri).toBe(stored.redirectUris[0]);
  });

  test("botpress-v12: the strategy's callback is registered after the vault's", async () => {
    const { app, nextSteps } = await registerWithApp(
      registry.tenants,
      registration({ preset: 'botpress-v12', baseUrl: 'https://bot.example/', strategy: 'azure_AD-1' }),
    );
    const redirectUris = [CALLBACK, 'https://bot.example/api/v1/auth/login-callback/oauth2/azure_AD-1'];
    expect(app.app.redirectUris).toEqual(redirectUris);
    expect(nextSteps.redirectUris).toEqual(redirectUris);
    expect(registry.entra.consents.at(-1)?.redirectUri).toBe(CALLBACK);
  });

  test('the admin consent of chatwoot requests the permissions of both resources', async () => {
    await registry.tenants.register(registration({ preset: 'chatwoot', baseUrl: 'https://chat.example' }));
    expect(registry.entra.consents[0]?.directoryId).toBeUndefined();
    expect(registry.entra.consents[0]?.scopes).toEqual([
      'email',
      'offline_access',
      'openid',
      'profile',
      `${GRAPH}/Mail.ReadWrite`,
      `${GRAPH}/Mail.Send`,
      `${OUTLOOK}/IMAP.AccessAsUser.All`,
      `${OUTLOOK}/SMTP.Send`,
    ]);
  });

  test('a catalog alone lists the permissions of its scopes, without covered ones', async () => {
    const { nextSteps } = await registry.tenants.register(registration({ catalog: 'aurinko' }));
    expect(nextSteps.permissions[GRAPH]).toEqual([
      'Calendars.ReadWrite',
      'Contacts.ReadWrite',
      'Mail.ReadWrite',
      'Mail.Send',
      'MailboxSettings.Read',
      'Tasks.ReadWrite',
      'User.Read',
    ]);
  });

  test('a preset without product scopes uses those of the given catalog', async () => {
    const { nextSteps } = await registry.tenants.register(
      registration({ preset: 'deskpro', baseUrl: 'https://help.example', catalog: 'aurinko' }),
    );
    expect(nextSteps.permissions[GRAPH]).toContain('Contacts.ReadWrite');
  });
});

describe('the base URL of a product', () => {
  async function stored(change: Partial<RegisterTenant>, app: Partial<AppRegistration> = {}) {
    return (await registerWithApp(registry.tenants, registration(change, app))).app.app;
  }

  test.each([
    ['https://chat.example', 'https://chat.example/'],
    ['https://Chat.Example//', 'https://chat.example/'],
    ['https://example.com/desk', 'https://example.com/desk/'],
    ['http://localhost:3000', 'http://localhost:3000/'],
  ])('%s becomes the return URL prefix %s', async (baseUrl, prefix) => {
    expect((await stored({ baseUrl })).returnUrlPrefixes).toEqual([prefix]);
  });

  test('does not add to given return_url_prefixes', async () => {
    const given = ['https://app.example/connected/'];
    const app = await stored({ baseUrl: 'https://chat.example' }, { returnUrlPrefixes: given });
    expect(app.returnUrlPrefixes).toEqual(given);
  });
});

describe('the probe', () => {
  test('is skipped if the audience names no directory', async () => {
    const { probe } = await registerWithApp(registry.tenants, registration());
    expect(probe.outcome).toBe('SKIPPED');
    expect(registry.entra.asked).toEqual([]);
  });

  test('uses the directory of the audience', async () => {
    const { probe } = await registerWithApp(registry.tenants, registration({}, { signInAudience: DIRECTORY }));
    expect(probe).toMatchObject({ outcome: 'ACCEPTED', credentialId: 'default' });
    expect(registry.entra.asked).toEqual([{ appId: 'default', directoryId: DIRECTORY }]);
  });

  test.each([
    [{ outcome: 'REJECTED', entraError: 'invalid_client/AADSTS7000215' }, 'REJECTED', 'APP_CREDENTIAL_REJECTED'],
    [{ outcome: 'REJECTED', entraError: 'invalid_client/AADSTS7000222' }, 'REJECTED', 'APP_CREDENTIAL_EXPIRED'],
    [
      { outcome: 'PROPAGATING', entraError: 'invalid_client/AADSTS7000215' },
      'PROPAGATING',
      'APP_CREDENTIAL_PROPAGATING',
    ],
    [{ outcome: 'INCONCLUSIVE' }, 'UNKNOWN', 'ENTRA_UNAVAILABLE'],
    [{ outcome: 'INCONCLUSIVE', entraError: 'unauthorized_client/AADSTS700016' }, 'REJECTED', 'APP_MISCONFIGURED'],
    [
      { outcome: 'INCONCLUSIVE', unusable: { reason: 'KEY_SOURCE_UNAVAILABLE', message: 'gone.' } },
      'UNKNOWN',
      'KEY_SOURCE_UNAVAILABLE',
    ],
  ] as const)('%o is a warning, not an error', async (probe, outcome, reason) => {
    registry.entra.probes = [probe];
    const answer = await registerWithApp(registry.tenants, registration({}, { signInAudience: DIRECTORY }));
    expect(answer.probe).toMatchObject({ outcome, reason });
    expect(answer.nextSteps.warnings.join()).toContain(answer.probe.message);
    expect(await tenantCount()).toBe(1);
  });

  test.each([new VaultError('ENTRA_UNAVAILABLE', 'down'), new TypeError('a bug')])(
    'that throws (%s) does not fail the registration',
    async (thrown) => {
      registry.entra.probes = thrown;
      const answer = await registerWithApp(registry.tenants, registration({}, { signInAudience: DIRECTORY }));
      expect(answer.probe.outcome).toBe('UNKNOWN');
      expect(await tenantCount()).toBe(1);
    },
  );
});

describe('warnings', () => {
  async function warnings(change: Partial<RegisterTenant>, app: Partial<AppRegistration>): Promise<string> {
    const answer = await registerWithApp(registry.tenants, registration(change, app));
    return answer.nextSteps.warnings.join('\n');
  }

  test('none for a consistent registration', async () => {
    expect(await warnings({}, {})).toBe('');
  });

  test('an unknown expiry date', async () => {
    expect(await warnings({}, { credential: clientSecret(SECRET, { expireTime: undefined }) })).toContain('is unknown');
  });

  test.each([
    [Date.UTC(2299, 11, 31), 'default never expires (2299-12-31)'],
    [Date.UTC(2026, 10, 22) + 3 * YEAR, 'practically never expires'],
  ])('an expiry date that means never: %d', async (expireTime, words) => {
    expect(await warnings({}, { credential: clientSecret(SECRET, { expireTime }) })).toContain(words);
  });

  test('none for exactly two years, the longest validity of the portal', async () => {
    expect(await warnings({}, { credential: clientSecret(SECRET, { expireTime: Date.UTC(2028, 10, 22) }) })).toBe('');
  });

  test('a near expiry date', async () => {
    expect(await warnings({}, { credential: clientSecret(SECRET, { expireTime: Date.UTC(2026, 11, 1) }) })).toContain(
      '2026-12-01',
    );
  });

  test('the Secret ID instead of the value', async () => {
    expect(await warnings({}, { credential: clientSecret('5a4c1e2d-0000-4000-8000-000000000001') })).toContain(
      'Secret ID',
    );
  });

  test('an audience whose accounts the tenant does not allow', async () => {
    expect(await warnings({ allowedDirectoryIds: [CLIENT_ID] }, { signInAudience: DIRECTORY })).toContain(
      'No user can connect',
    );
    registry = await openRegistry();
    expect(await warnings({ allowedDirectoryIds: [CLIENT_ID] }, { signInAudience: 'consumers' })).toContain(
      'No user can connect',
    );
  });

  test.each([
    ['aurinko', 'organizations', 'no personal Microsoft account'],
    ['aurinko', 'consumers', 'no work account'],
    ['botpress-v12', 'consumers', 'Use common'],
    ['deskpro', 'consumers', 'Use organizations'],
  ])('an audience that does not fit the preset: %s, %s', async (preset, signInAudience, words) => {
    expect(await warnings({ preset, baseUrl: 'https://x.example' }, { signInAudience })).toContain(words);
  });

  test.each([
    ['aurinko', DIRECTORY],
    ['chatwoot', 'common'],
    ['botpress-cloud', 'consumers'],
  ])('none for an audience that fits the preset: %s, %s', async (preset, signInAudience) => {
    expect(await warnings({ preset, baseUrl: 'https://x.example' }, { signInAudience })).toBe('');
  });

  test.each([
    ['US_GOV', 'common', true],
    ['CHINA', 'consumers', true],
    ['CHINA', 'organizations', false],
    ['GLOBAL', 'common', false],
  ] as const)('personal accounts in cloud %s, audience %s: %s', async (cloud, signInAudience, isWarned) => {
    const found = await warnings({}, { cloud, signInAudience });
    expect(found.includes('national clouds do not have')).toBe(isWarned);
  });

  test.each([
    ['common', 31, true],
    ['common', 30, false],
    ['organizations', 31, false],
  ] as const)('for audience %s, %d permissions of Graph: %s', async (signInAudience, count, isWarned) => {
    const names = Array.from({ length: count - 1 }, (_, index) => `Thing${index}.Read`);
    const implicitPermissions = [...names, 'https://outlook.office.com/SMTP.Send'];
    const found = await warnings({}, { signInAudience, implicitPermissions });
    expect(found.includes(`${count} of Microsoft Graph are requested`)).toBe(isWarned);
  });

  test('a redirect URI on this machine, but not in the sandbox', async () => {
    const redirectUris = ['http://127.0.0.1:8080/oauth2/callback'];
    expect(await warnings({}, { redirectUris })).toContain('on this machine');
    registry = await openRegistry();
    expect(await warnings({}, { redirectUris, cloud: 'CUSTOM' })).toBe('');
  });
});

describe('rejections store nothing and name the field', () => {
  const bad: [string, Partial<RegisterTenant>, Partial<AppRegistration>][] = [
    ['tenant_id', { tenantId: '' }, {}],
    ['tenant_id', { tenantId: 'Acme' }, {}],
    ['tenant_id', { tenantId: `a${'b'.repeat(63)}` }, {}],
    ['display_name', { displayName: 'x'.repeat(129) }, {}],
    ['display_name', { displayName: 'a\nb' }, {}],
    ['display_name', { displayName: '\ud800' }, {}],
    ['labels', { labels: { Team: 'x' } }, {}],
    ['labels.team', { labels: { team: 'x'.repeat(129) } }, {}],
    ['preset', { preset: 'slack' }, {}],
    ['preset', { preset: 'constructor' }, {}],
    ['base_url', { preset: 'chatwoot' }, {}],
    ['base_url', { preset: 'chatwoot', baseUrl: 'http://chat.example' }, {}],
    ['base_url', { preset: 'chatwoot', baseUrl: 'chat.example' }, {}],
    ['base_url', { preset: 'deskpro' }, {}],
    ['base_url', { baseUrl: 'ftp://chat.example' }, {}],
    ['base_url', { baseUrl: 'https://user@chat.example' }, {}],
    ['base_url', { baseUrl: 'https://*.chat.example' }, {}],
    ['base_url', { baseUrl: 'https://{strategy}.example' }, {}],
    ['base_url', { baseUrl: 'https://chat.example?x=1' }, {}],
    ['base_url', { baseUrl: 'https://chat.example/#x' }, {}],
    ['base_url', { baseUrl: 'https://chat.example/a/../b' }, {}],
    ['base_url', { baseUrl: 'https://chat.example/a/%2e%2e/b' }, {}],
    ['base_url', { baseUrl: 'https://chat.example/a%2fb' }, {}],
    ['base_url', { baseUrl: 'https://chat.example/a//b' }, {}],
    ['base_url', { baseUrl: 'https://chat.example\\@evil.example' }, {}],
    ['base_url', { preset: 'chatwoot', baseUrl: `https://chat.example/${'a'.repeat(220)}` }, {}],
    ['base_url', { preset: 'botpress-v12', strategy: 'azure' }, {}],
    ['strategy', { preset: 'chatwoot', baseUrl: 'https://chat.example', strategy: 'azure' }, {}],
    ['strategy', { strategy: 'azure' }, {}],
    ['strategy', { preset: 'botpress-v12', baseUrl: 'https://b.example', strategy: 'a/b' }, {}],
    ['strategy', { preset: 'botpress-v12', baseUrl: 'https://b.example', strategy: '..' }, {}],
    ['strategy', { preset: 'botpress-v12', baseUrl: 'https://b.example', strategy: 'azure ad' }, {}],
    ['strategy', { preset: 'botpress-v12', baseUrl: 'https://b.example', strategy: 'a'.repeat(65) }, {}],
    [
      'strategy',
      { preset: 'botpress-v12', baseUrl: 'https://b.example', strategy: 'azure' },
      { redirectUris: ['https://b.example/cb'] },
    ],
    ['catalog', { catalog: 'aurinco' }, {}],
    ['allowed_directory_ids[1]', { allowedDirectoryIds: [DIRECTORY, 'contoso.com'] }, {}],
    ['app.client_id', {}, { clientId: '' }],
    ['app.client_id', {}, { clientId: '', credential: { ...clientSecret(), material: undefined } }],
    ['app.client_id', {}, { clientId: `${CLIENT_ID}0` }],
    ['app.sign_in_audience', {}, { signInAudience: 'contoso.onmicrosoft.com' }],
    ['app.redirect_uris[0]', {}, { redirectUris: ['http://app.example/cb'] }],
    ['app.redirect_uris[1]', {}, { redirectUris: ['https://app.example/cb', 'https://*.app.example/cb'] }],
    ['app.redirect_uris[0]', {}, { redirectUris: ['https://app.example/cb#x'] }],
    ['app.redirect_uris[0]', {}, { redirectUris: ['https://user@app.example/cb'] }],
    ['app.redirect_uris[0]', {}, { redirectUris: ['javascript:alert(1)'] }],
    ['app.redirect_uris[0]', {}, { redirectUris: ['http://localhost.evil.example/cb'] }],
    ['app.redirect_uris', {}, { redirectUris: Array.from({ length: 17 }, (_, i) => `https://app.example/${i}`) }],
    ['app.return_url_prefixes[0]', {}, { returnUrlPrefixes: ['https://good.example?x=1'] }],
    ['app.return_url_prefixes[0]', {}, { returnUrlPrefixes: ['https:/good.example'] }],
    ['app.return_url_prefixes[0]', {}, { returnUrlPrefixes: ['https://good.example\\@evil.example/'] }],
    ['app.implicit_permissions[1]', {}, { implicitPermissions: ['User.Read', 'Mail Read'] }],
    ['app.client_secret', {}, { credential: clientSecret('') }],
    ['app.client_secret', {}, { credential: clientSecret(`${SECRET}\n`) }],
    ['app.client_secret', {}, { credential: { ...clientSecret(), material: undefined } }],
    ['app.secret_expire_time', {}, { credential: clientSecret(SECRET, { expireTime: Date.UTC(2026, 10, 21) }) }],
    ['app.secret_expire_time', {}, { credential: clientSecret(SECRET, { expireTime: Number.NaN }) }],
    ['app.secret_expire_time', {}, { credential: clientSecret(SECRET, { expireTime: 1e18 }) }],
    [
      'app.federated.assertion_file',
      {},
      {
        credential: {
          material: { kind: 'FEDERATED', assertionFile: 'token' },
          expireTime: undefined,
          notBefore: undefined,
        },
      },
    ],
    [
      'app.federated.assertion_file',
      {},
      {
        credential: {
          material: { kind: 'FEDERATED', assertionFile: '/run/tokens/other/token' },
          expireTime: undefined,
          notBefore: undefined,
        },
      },
    ],
    [
      'app.secret_expire_time',
      {},
      { credential: { ...clientSecret(), material: { kind: 'FEDERATED', assertionFile: '/run/tokens/acme/t' } } },
    ],
  ];

  test.each(bad)('%s (%#)', async (field, change, app) => {
    const error = await refusal(registry.tenants.register(registration(change, app)));
    expect([error.reason, error.metadata['field']]).toEqual(['FIELD_INVALID', field]);
    expect(`${error.message} ${JSON.stringify(error.metadata)}`).not.toContain(SECRET);
    expect(await tenantCount()).toBe(0);
    expect(registry.announced).toEqual([]);
    expect(registry.entra.asked).toEqual([]);
  });

  test('a second tenant with the same id does not change the first', async () => {
    const { tenant, app } = await registerWithApp(registry.tenants, registration());
    const again = registration({ displayName: 'Other' }, { credential: clientSecret('xyzOtherSecretValue') });
    for (const validateOnly of [false, true])
      expect(await refusal(registry.tenants.register({ ...again, validateOnly }))).toMatchObject({
        reason: 'TENANT_EXISTS',
        message: expect.stringContaining('tenants/acme'),
        metadata: { resource: 'tenants/acme' },
      });
    expect(await registry.tenants.get('acme')).toEqual(tenant);
    expect(await registry.apps.get({ tenantId: 'acme', appId: 'default' })).toEqual(app);
    expect(await registry.stores.apps.usableCredentials(app.app)).toHaveLength(1);
  });

  test('validate_only returns the same response as a registration', async () => {
    const dry = await registerWithApp(
      registry.tenants,
      registration({ validateOnly: true }, { signInAudience: DIRECTORY }),
    );
    expect(dry.tenant.nextCredentialExpireTime).toBe(Date.UTC(2027, 5, 1));
    expect(dry.probe.outcome).toBe('SKIPPED');
    expect(dry.nextSteps.redirectUris).toEqual([CALLBACK]);
    expect(await tenantCount()).toBe(0);
    expect(registry.announced).toEqual([]);
    expect((await registry.tenants.register(registration())).tenant.uid).not.toBe(dry.tenant.uid);
  });
});

describe('without an app', () => {
  const alone = (change: Partial<RegisterTenant> = {}): RegisterTenant => ({ ...registration(change), app: undefined });
  const itsApps = async () =>
    (await registry.apps.list({ tenantId: 'acme', tenantIds: undefined, page: { size: 10, after: undefined } })).items;

  test('only the tenant is stored, and no request goes to Entra', async () => {
    const answer = await registry.tenants.register(alone({ displayName: 'Acme', labels: { tier: 'gold' } }));

    expect(answer).toMatchObject({ app: undefined, probe: undefined });
    expect(answer.tenant).toMatchObject({ displayName: 'Acme', labels: { tier: 'gold' }, catalog: 'microsoft' });
    expect(answer.tenant.nextCredentialExpireTime).toBeUndefined();
    expect(await registry.tenants.get('acme')).toEqual(answer.tenant);
    expect(await itsApps()).toEqual([]);
    expect(registry.announced).toEqual([{ kind: 'tenant', uid: answer.tenant.uid }]);
    expect(registry.entra.asked).toEqual([]);
  });

  test('the next steps say that there is no app, then the two ways to get one', async () => {
    const { nextSteps } = await registry.tenants.register(alone());

    expect(nextSteps).toMatchObject({ redirectUris: [], permissions: {}, adminConsentUri: '', warnings: [] });
    expect(nextSteps.steps[0]).toContain('tenants/acme has no app');
    expect(nextSteps.steps[1]).toContain('StartAuthorization');
    expect(nextSteps.steps[2]).toContain('CreateApp');
    expect(nextSteps.steps).toHaveLength(3);
  });

  test('only the catalog of a preset applies, and the next steps say so', async () => {
    const { tenant, nextSteps } = await registry.tenants.register(alone({ preset: 'aurinko' }));

    expect(tenant.catalog).toBe('aurinko');
    expect(nextSteps.steps.at(-1)).toContain('If app was forgotten');
  });

  test.each([
    ['base_url', { preset: 'chatwoot', baseUrl: 'https://chat.example' }],
    ['base_url', { baseUrl: 'not even an address' }],
    ['strategy', { preset: 'botpress-v12', strategy: 'azure' }],
    ['preset', { preset: 'slack' }],
    ['tenant_id', { tenantId: 'Acme' }],
  ])('%s: a wrong value, or a field of apps, is rejected, and nothing is stored', async (field, change) => {
    const error = await refusal(registry.tenants.register(alone(change)));
    expect([error.reason, error.metadata['field']]).toEqual(['FIELD_INVALID', field]);
    expect(await tenantCount()).toBe(0);
  });

  test('validate_only stores nothing, and detects an existing id too', async () => {
    const dry = await registry.tenants.register(alone({ validateOnly: true }));
    expect(dry.nextSteps.steps[0]).toContain('has no app');
    expect([await tenantCount(), registry.announced]).toEqual([0, []]);

    const { tenant } = await registry.tenants.register(alone());
    for (const validateOnly of [true, false]) {
      expect((await refusal(registry.tenants.register(alone({ validateOnly })))).reason).toBe('TENANT_EXISTS');
    }
    expect(await registry.tenants.get('acme')).toEqual(tenant);
  });
});

test('a return prefix ends its host with a slash, so that no longer host matches it', async () => {
  const returnUrlPrefixes = ['https://good.example', 'HTTPS://Good.Example/app/', 'http://localhost:3000'];
  const { app } = await registerWithApp(registry.tenants, registration({}, { returnUrlPrefixes }));
  expect(app.app.returnUrlPrefixes).toEqual([
    'https://good.example/',
    'https://good.example/app/',
    'http://localhost:3000/',
  ]);
});
