import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Reason } from '../../src/model/errors.ts';
import { CONTOSO, FABRIKAM } from '../../src/sandbox/state/seed_data.ts';
import {
  ADA,
  type ConnectWorld,
  GRAPH,
  OWN_CALLBACK,
  PRODUCT_CALLBACK,
  RETURN_URL,
  startConnectWorld,
} from './connect_world.ts';

let world: ConnectWorld;

beforeEach(async () => {
  world = await startConnectWorld();
  await world.register('acme');
});

afterEach(() => world.stop());

type Request = Parameters<ConnectWorld['start']>[0];

const refused = (request: Request, reason: Reason, metadata: Record<string, string> = {}) =>
  expect(world.start(request)).rejects.toMatchObject({ reason, metadata });

describe('the completion of an authorization', () => {
  test('is required: without one, the start is rejected and nothing is stored', async () => {
    await refused({ returnUrl: undefined, autoConfirm: false }, 'FIELD_INVALID', { field: 'return_url' });
    expect(await world.find()).toBeUndefined();
  });

  test('by an unregistered return URL is rejected', async () => {
    await refused({ returnUrl: 'https://product.example@evil.example/' }, 'FIELD_INVALID', { field: 'return_url' });
  });

  test('by a redirect URI that is not exactly a registered one is rejected', async () => {
    for (const redirectUri of [
      `${PRODUCT_CALLBACK}/`,
      PRODUCT_CALLBACK.toUpperCase(),
      `${PRODUCT_CALLBACK}?x=1`,
      'https://evil.example',
    ]) {
      await refused({ redirectUri }, 'FIELD_INVALID', { field: 'redirect_uri' });
    }
  });

  test('by two ways at once is rejected', async () => {
    await refused({ redirectUri: PRODUCT_CALLBACK, returnUrl: RETURN_URL }, 'FIELD_INVALID', { field: 'return_url' });
    await refused({ redirectUri: PRODUCT_CALLBACK, autoConfirm: true }, 'FIELD_INVALID', { field: 'auto_confirm' });
  });

  test("may name the vault's own callback", async () => {
    const { authorizationUri } = await world.start({ redirectUri: OWN_CALLBACK, returnUrl: RETURN_URL });
    const back = await world.walk(authorizationUri, ADA);
    expect(back.searchParams.get('outcome')).toBe('granted');
  });
});

describe("the vault's own callback", () => {
  test('is the default if the app has no redirect URI', async () => {
    await world.register('plain', { redirectUris: [] });
    const { authorizationUri } = await world.start({ tenantId: 'plain' });
    expect(new URL(authorizationUri).searchParams.get('redirect_uri')).toBe(OWN_CALLBACK);
    await refused({ tenantId: 'plain', redirectUri: PRODUCT_CALLBACK }, 'FIELD_INVALID', { field: 'redirect_uri' });
  });

  test('is not the default if the app has others', async () => {
    await world.register('chat', { redirectUris: [PRODUCT_CALLBACK] });
    await refused({ tenantId: 'chat' }, 'FIELD_INVALID', { field: 'redirect_uri' });
  });
});

describe('the app', () => {
  test('of another tenant is used if it is shared, and rejected once it is not', async () => {
    await world.register('owner', { appId: 'mail', sharedWith: ['acme'] });
    const connection = await world.connect({ app: { tenantId: 'owner', appId: 'mail' } });
    expect(connection).toMatchObject({ tenantId: 'acme', appTenantId: 'owner', appId: 'mail', grantState: 'ACTIVE' });
  });

  test.each([
    ['not shared', 'private', 'default'],
    ['missing', 'private', 'nothing'],
    ['of a missing tenant', 'nobody', 'default'],
  ])('%s: the same error', async (_, tenantId, appId) => {
    await world.register('private');
    await refused({ app: { tenantId, appId } }, 'APP_NOT_FOUND');
  });

  test('may change at a reconnect, which binds the new refresh token to it', async () => {
    const before = await world.connect();
    const { app } = await world.register('owner', { appId: 'mail', sharedWith: ['*'] });
    const after = await world.connect({ app: { tenantId: 'owner', appId: 'mail' } });
    expect([after.uid, after.appUid]).toEqual([before.uid, app.uid]);
  });

  test('if shared, the exchanges count against the tenant that connects', async () => {
    await world.register('owner', { appId: 'mail', sharedWith: ['*'] });
    const connection = await world.connect({ app: { tenantId: 'owner', appId: 'mail' } });
    expect(new Set(world.admittedTenants)).toEqual(new Set([connection.tenantUid]));
  });

  test('if suspended, or if its owner is, is APP_SUSPENDED', async () => {
    await world.register('off', { suspended: true });
    await refused({ tenantId: 'off' }, 'APP_SUSPENDED');
    await world.register('owner', { appId: 'mail', sharedWith: ['*'] }, { state: 'SUSPENDED' });
    await refused({ app: { tenantId: 'owner', appId: 'mail' } }, 'APP_SUSPENDED');
    await refused({ tenantId: 'owner' }, 'TENANT_SUSPENDED');
  });
});

describe('X/.default', () => {
  const scopeOf = (authorizationUri: string) =>
    new URL(authorizationUri).searchParams.get('scope')?.split(' ').toSorted();
  const all = `${GRAPH}/.default`;

  test("means the connection's scopes of that resource", async () => {
    await world.connect({ scopes: ['Mail.ReadOnly'] });

    const named = await world.start({ scopes: ['Mail.ReadOnly'] });
    const again = await world.start({ scopes: [all] });

    expect(scopeOf(again.authorizationUri)).toEqual(scopeOf(named.authorizationUri));
  });

  test('requests what the registration lists if the connection is new', async () => {
    const connection = await world.connect({ scopes: [all] });

    expect(connection).toMatchObject({ productScopes: [all], grantState: 'ACTIVE' });
    expect(connection.granted[GRAPH]).toContain('Mail.ReadWrite');
    const { authorizationUri } = await world.start({ scopes: [] });
    expect(scopeOf(authorizationUri)).toEqual([all, 'offline_access', 'openid', 'profile']);
  });

  test('of an API by its application id is sent unchanged', async () => {
    const own = '11111111-1111-4111-8111-111111111111/.default';
    const { authorizationUri } = await world.start({ scopes: [own] });
    expect(scopeOf(authorizationUri)).toContain(own);
  });

  test('is rejected together with permissions of a new connection, as by Entra', async () => {
    await refused({ scopes: [all, 'Mail.ReadOnly'] }, 'FIELD_INVALID', { field: 'scopes' });
    await refused({ scopes: ['api://own/.default', 'Mail.ReadOnly'] }, 'FIELD_INVALID', { field: 'scopes' });
  });
});

test('a resource keeps its trailing slash', async () => {
  await world.register('sql', { catalog: 'microsoft' });
  const scope = 'https://database.windows.net//user_impersonation';
  const { authorizationUri } = await world.start({ tenantId: 'sql', scopes: [scope] });
  expect(new URL(authorizationUri).searchParams.get('scope')?.split(' ')).toContain(scope);
});

test('unknown scopes are rejected with suggestions', async () => {
  await refused({ scopes: ['Mail.ReadOnlly'] }, 'SCOPE_UNKNOWN', {
    suggestions: expect.stringContaining('Mail.ReadOnly'),
  });
  await refused({ scopes: [] }, 'FIELD_INVALID', { field: 'scopes' });
  await refused({ tenantId: 'nobody' }, 'TENANT_NOT_FOUND');
});

test('a directory must be a GUID that the tenant and the app allow', async () => {
  await refused({ directoryId: 'contoso.example/../x' }, 'FIELD_INVALID', { field: 'directory_id' });
  await world.register('strict', { signInAudience: CONTOSO }, { allowedDirectoryIds: [CONTOSO] });
  await refused({ tenantId: 'strict', directoryId: FABRIKAM }, 'DIRECTORY_NOT_ALLOWED');
  await world.register('single', { signInAudience: CONTOSO });
  await refused({ tenantId: 'single', directoryId: FABRIKAM }, 'FIELD_INVALID', { field: 'directory_id' });
  const { authorizationUri } = await world.start({ tenantId: 'single' });
  expect(new URL(authorizationUri).pathname).toContain(CONTOSO);
});

test('a login hint is rejected together with SELECT_ACCOUNT', async () => {
  await refused({ loginHint: ADA, prompt: 'select_account' }, 'FIELD_INVALID', { field: 'login_hint' });
});

test('a login hint is no longer than a username', async () => {
  await refused({ loginHint: 'x'.repeat(257) }, 'FIELD_INVALID', { field: 'login_hint' });
  await refused({ loginHint: 'ada\r\n@contoso.example' }, 'FIELD_INVALID', { field: 'login_hint' });
  expect(await world.find()).toBeUndefined();
});

test('external id and labels are set, kept, and changed', async () => {
  await world.start({ externalId: 'user-7', labels: { team: 'blue' } });
  await world.start({});
  expect(await world.find()).toMatchObject({ externalId: 'user-7', labels: { team: 'blue' } });
  await world.start({ externalId: 'user-8' });
  expect(await world.find()).toMatchObject({ externalId: 'user-8', labels: { team: 'blue' }, grantState: 'PENDING' });
});

test('ten concurrent starts for a new name create one connection', async () => {
  await Promise.all(Array.from({ length: 10 }, () => world.start()));
  expect((await world.stores.connections.list({ size: 50, after: undefined }, {})).items).toHaveLength(1);
});

test('only hashes of handle and state are stored', async () => {
  const { connectUri, authorizationUri } = await world.start();
  const handle = connectUri.split('/').at(-1) ?? '';
  const state = new URL(authorizationUri).searchParams.get('state') ?? '';
  expect(await world.stores.authorizations.findByHandle(handle)).toBeUndefined();
  expect((await world.stores.authorizations.useState(state, 0)).kind).toBe('unknown');
});
