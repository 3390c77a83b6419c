import { beforeEach, describe, expect, test } from 'vitest';
import type { App } from '../../src/model/entra_app.ts';
import { etagOf } from '../../src/model/etag.ts';
import type { AppFields, CreateApp } from '../../src/registry/app_request_types.ts';
import { jpeg, png } from './images.ts';
import {
  appFields,
  CALLBACK,
  CLIENT_ID,
  clientSecret,
  DIRECTORY,
  LOGOS,
  type OpenRegistry,
  openRegistry,
  refusal,
  registration,
} from './open_registry.ts';

let registry: OpenRegistry;
beforeEach(async () => {
  registry = await openRegistry();
  await registry.tenants.register(registration());
  await registry.tenants.register(registration({ tenantId: 'beta' }));
  registry.announced.length = 0;
});

const DEFAULT = { tenantId: 'acme', appId: 'default' };

function creation(change: Partial<CreateApp> = {}, fields: Partial<AppFields> = {}): CreateApp {
  return {
    tenantId: 'acme',
    appId: 'second',
    credential: undefined,
    credentialId: '',
    validateOnly: false,
    ...change,
    fields: appFields({ clientId: CLIENT_ID, ...fields }),
  };
}

function update(fields: Partial<AppFields>, updateMask?: readonly string[]) {
  return registry.apps.update({ ...DEFAULT, etag: '', fields: appFields(fields), updateMask });
}

describe('creating', () => {
  test('stores the app with its first credential and returns the next steps', async () => {
    const created = await registry.apps.create(
      creation({ credential: clientSecret() }, { signInAudience: DIRECTORY, catalog: 'aurinko' }),
    );
    expect(created.app.app).toMatchObject({
      appId: 'second',
      catalog: 'aurinko',
      redirectUris: [CALLBACK],
      displayName: 'acme',
    });
    expect(created.app.app.implicitPermissions).toContain('MailboxSettings.Read');
    expect(created.probe).toMatchObject({ outcome: 'ACCEPTED', credentialId: 'default' });
    expect(created.nextSteps.permissions['https://graph.microsoft.com']).toContain('Mail.ReadWrite');
    expect(await registry.apps.get({ tenantId: 'acme', appId: 'second' })).toEqual(created.app);
  });

  test('accepts an app without a credential, with a warning', async () => {
    const created = await registry.apps.create(creation());
    expect(created.probe).toBeUndefined();
    expect(created.nextSteps.warnings.join()).toContain('no credential');
  });

  test.each([
    ['app_id', creation({ appId: 'Second' })],
    ['credential_id', creation({ credential: clientSecret(), credentialId: '1st' })],
    ['credential.client_secret', creation({ credential: clientSecret('') })],
    ['credential.expire_time', creation({ credential: clientSecret('x'.repeat(40), { expireTime: 0 }) })],
    [
      'credential.not_before',
      creation({ credential: clientSecret('x'.repeat(40), { notBefore: Date.UTC(2030, 1, 1) }) }),
    ],
    ['app.shared_with[0]', creation({}, { sharedWith: ['apps/x'] })],
    ['app.catalog', creation({}, { catalog: 'none' })],
  ])('rejects a bad %s and stores nothing', async (field, request) => {
    const error = await refusal(registry.apps.create(request));
    expect([error.reason, error.metadata['field']]).toEqual(['FIELD_INVALID', field]);
    const page = await registry.apps.list({
      tenantId: 'acme',
      tenantIds: undefined,
      page: { size: 9, after: undefined },
    });
    expect(page.items).toHaveLength(1);
    expect(registry.announced).toEqual([]);
  });

  test('rejects an existing id, also in a dry run, and an unknown tenant', async () => {
    for (const validateOnly of [false, true])
      expect(await refusal(registry.apps.create(creation({ appId: 'default', validateOnly })))).toMatchObject({
        reason: 'APP_EXISTS',
        message: expect.stringContaining('tenants/acme/apps/default'),
        metadata: { resource: 'tenants/acme/apps/default' },
      });
    expect((await refusal(registry.apps.create(creation({ tenantId: 'gone' })))).reason).toBe('TENANT_NOT_FOUND');
  });

  test('a dry run stores nothing', async () => {
    const dry = await registry.apps.create(
      creation({ validateOnly: true, credential: clientSecret() }, { signInAudience: DIRECTORY }),
    );
    expect(dry.probe?.outcome).toBe('SKIPPED');
    await registry.apps.create(creation({ validateOnly: true, credential: undefined }, { signInAudience: DIRECTORY }));
    expect(registry.entra.asked).toEqual([]);
    expect((await refusal(registry.apps.get({ tenantId: 'acme', appId: 'second' }))).reason).toBe('APP_NOT_FOUND');
  });
});

test('lists the apps of one tenant, or of all that the caller may see', async () => {
  await registry.apps.create(creation());
  const names = async (tenantId: string | undefined, tenantIds: string[] | undefined) =>
    (await registry.apps.list({ tenantId, tenantIds, page: { size: 9, after: undefined } })).items.map(
      ({ app }) => `${app.tenantId}/${app.appId}`,
    );
  expect(await names('acme', undefined)).toEqual(['acme/default', 'acme/second']);
  expect(await names(undefined, undefined)).toEqual(['acme/default', 'acme/second', 'beta/default']);
  expect(await names(undefined, ['beta'])).toEqual(['beta/default']);
  expect((await refusal(names('gone', undefined))).reason).toBe('TENANT_NOT_FOUND');
});

describe('updating', () => {
  test('suspends and resumes, keeps everything, and announces the change', async () => {
    const { app } = await registry.apps.get(DEFAULT);
    const suspended = await update({ suspended: true });
    expect(suspended.app).toMatchObject({ ...app, suspended: true, version: app.version + 1 });
    expect(suspended.credentials).toHaveLength(1);
    expect((await update({}, ['suspended'])).app.suspended).toBe(false);
    expect(registry.announced).toEqual([
      { kind: 'app', uid: app.uid },
      { kind: 'app', uid: app.uid },
    ]);
    expect(registry.entra.forgotten).toEqual([app.uid, app.uid]);
  });

  test("an empty display name becomes the tenant's, as for a new app", async () => {
    const { displayName } = await registry.tenants.get('acme');
    expect((await update({ displayName: 'Acme Mail' })).app.displayName).toBe('Acme Mail');
    expect((await update({}, ['display_name'])).app.displayName).toBe(displayName);
  });

  test('clears a failure that Entra reported for the earlier description of the registration', async () => {
    const { app } = await registry.apps.get(DEFAULT);
    const evidence = {
      reason: 'APP_MISCONFIGURED' as const,
      entraError: 'invalid_request/AADSTS50194',
      correlationId: undefined,
      time: 1,
    };
    await registry.stores.apps.recordAppState(app.uid, 'MISCONFIGURED', evidence);
    expect((await update({ displayName: 'New' })).app.state).toBe('MISCONFIGURED');
    expect((await update({ signInAudience: DIRECTORY })).app).toMatchObject({ state: 'OK', stateReason: undefined });
  });

  test.each([
    ['app.client_id', { clientId: DIRECTORY }, undefined],
    ['app.cloud', { cloud: 'CHINA' as const }, undefined],
    ['update_mask', {}, ['client_id']],
    ['update_mask', {}, ['credentials']],
    ['update_mask', {}, ['logo_uri']],
    ['app.sign_in_audience', {}, ['*']],
    ['app.redirect_uris[0]', { redirectUris: ['http://a.example/'] }, undefined],
  ])('rejects a bad %s and changes nothing (%#)', async (field, fields, mask) => {
    const before = await registry.apps.get(DEFAULT);
    const error = await refusal(update(fields, mask));
    expect([error.reason, error.metadata['field']]).toEqual(['FIELD_INVALID', field]);
    expect(await registry.apps.get(DEFAULT)).toEqual(before);
    expect(registry.announced).toEqual([]);
  });

  test('accepts the unchanged client id and cloud', async () => {
    expect(
      (await update({ clientId: CLIENT_ID.toUpperCase(), cloud: 'GLOBAL', displayName: 'X' })).app.displayName,
    ).toBe('X');
  });

  test.each([[['beta']], [['*']]])('cannot remove %j while a tenant it allows has connections', async (sharedWith) => {
    const { app } = await update({ sharedWith });
    await registry.connect('beta', 'bob', app);
    const error = await refusal(update({ sharedWith: ['gamma'] }));
    expect(error.reason).toBe('APP_IN_USE');
    expect((await registry.apps.get(DEFAULT)).app.sharedWith).toEqual(sharedWith);
    expect((await update({ sharedWith: ['beta', 'gamma'] })).app.sharedWith).toEqual(['beta', 'gamma']);
  });
});

describe('a logo', () => {
  const stored = async (logoUri: string | undefined) =>
    registry.stores.apps.findLogo(logoUri?.slice(`${LOGOS}/`.length) ?? 'none');

  test('is stored with a new app, and found by its URI', async () => {
    const { app } = await registry.apps.create(creation({}, { logo: png(3, 2) }));
    expect(app.logoUri).toMatch(new RegExp(`^${LOGOS}/[0-9a-f]{64}$`));
    expect(await stored(app.logoUri)).toEqual({
      mediaType: 'image/png',
      image: Buffer.from(png(3, 2)),
      hash: app.app.logoHash,
    });
    expect(await registry.apps.get({ tenantId: 'acme', appId: 'second' })).toEqual(app);
  });

  test('is set, changed and removed by its name in the mask, and nothing else changes', async () => {
    const first = await update({ logo: png(3, 2) });
    const second = await update({ logo: jpeg(), displayName: 'Not asked for' }, ['logo']);
    expect(second.logoUri).not.toBe(first.logoUri);
    expect(second.app.displayName).toBe(first.app.displayName);
    expect(await stored(first.logoUri)).toBeUndefined();
    expect((await stored(second.logoUri))?.mediaType).toBe('image/jpeg');

    const none = await update({}, ['logo']);
    expect([none.logoUri, none.app.logoHash]).toEqual([undefined, undefined]);
    expect(await stored(second.logoUri)).toBeUndefined();
  });

  test('stays if other fields change, even with the mask *', async () => {
    const { app, logoUri } = await update({ logo: png(3, 2) });
    expect((await update({ displayName: 'New' })).logoUri).toBe(logoUri);
    const all = { ...app, catalog: '', cloud: undefined, homeDirectoryId: '', displayName: 'Newer' };
    expect((await update(all, ['*'])).logoUri).toBe(logoUri);
    expect((await update({ ...all, logo: jpeg() }, ['*'])).logoUri).not.toBe(logoUri);
    expect(await stored(logoUri)).toBeUndefined();
  });

  test('that is not an image is rejected, and nothing changes', async () => {
    const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>');
    for (const work of [registry.apps.create(creation({}, { logo: svg })), update({ logo: svg })]) {
      expect((await refusal(work)).metadata).toEqual({ field: 'app.logo' });
    }
    expect((await registry.apps.get(DEFAULT)).logoUri).toBeUndefined();
    expect((await refusal(registry.apps.get({ tenantId: 'acme', appId: 'second' }))).reason).toBe('APP_NOT_FOUND');
  });

  test('is shown, and not stored, by a dry run', async () => {
    const { app } = await registry.apps.create(creation({ validateOnly: true }, { logo: png(3, 2) }));
    expect(app.logoUri).toContain(app.app.logoHash);
    expect(await stored(app.logoUri)).toBeUndefined();
  });
});

describe('client capabilities', () => {
  test('are none by default, change with the app, and are removed by name', async () => {
    const { app } = await registry.apps.get(DEFAULT);
    expect(app.clientCapabilities).toEqual([]);
    expect((await update({ clientCapabilities: ['CP1', 'CP1'] })).app.clientCapabilities).toEqual(['CP1']);
    expect((await update({ displayName: 'New' })).app.clientCapabilities).toEqual(['CP1']);
    expect((await registry.apps.get(DEFAULT)).app.clientCapabilities).toEqual(['CP1']);
    expect((await update({}, ['client_capabilities'])).app.clientCapabilities).toEqual([]);
  });
});

describe('deleting', () => {
  let app: App;
  beforeEach(async () => {
    app = (await registry.apps.get(DEFAULT)).app;
  });

  test('removes the app and its credentials', async () => {
    await registry.apps.delete({ ...DEFAULT, etag: etagOf(app), force: false });
    expect((await refusal(registry.apps.get(DEFAULT))).reason).toBe('APP_NOT_FOUND');
    expect(await registry.stores.apps.credentials(app.uid)).toEqual([]);
    expect(registry.announced).toEqual([{ kind: 'app', uid: app.uid }]);
  });

  test('requires force if its own tenant has connections, and then deletes them too', async () => {
    await registry.connect('acme', 'ada', app);
    const error = await refusal(registry.apps.delete({ ...DEFAULT, etag: '', force: false }));
    expect([error.reason, error.metadata['connections']]).toEqual(['APP_IN_USE', '1']);
    await registry.apps.delete({ ...DEFAULT, etag: '', force: true });
    const gone = await refusal(registry.connections.get({ tenantId: 'acme', connectionId: 'ada' }));
    expect(gone.reason).toBe('CONNECTION_NOT_FOUND');
  });

  test('is rejected, even with force, while another tenant uses it, and keeps its own connections', async () => {
    const shared = (await update({ sharedWith: ['*'] })).app;
    await registry.connect('beta', 'bob', shared);
    await registry.connect('acme', 'ada', shared);
    const error = await refusal(registry.apps.delete({ ...DEFAULT, etag: '', force: true }));
    expect([error.reason, error.metadata['foreignConnections']]).toEqual(['APP_IN_USE', '1']);
    expect(await registry.connections.get({ tenantId: 'acme', connectionId: 'ada' })).toBeDefined();
  });

  test('fails if the etag is stale', async () => {
    await update({ displayName: 'New' });
    expect((await refusal(registry.apps.delete({ ...DEFAULT, etag: etagOf(app), force: true }))).reason).toBe(
      'ETAG_MISMATCH',
    );
  });
});
