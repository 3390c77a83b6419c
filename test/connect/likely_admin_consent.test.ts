import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { PERSONAL_DIRECTORY } from '../../src/model/entra_app.ts';
import { CONTOSO } from '../../src/sandbox/state/seed_data.ts';
import { type ConnectWorld, GRAPH, PRODUCT_CALLBACK, startConnectWorld, VAULT } from './connect_world.ts';

let world: ConnectWorld;
beforeEach(async () => {
  world = await startConnectWorld();
  await world.register('acme', { implicitPermissions: ['openid', 'User.Read'] });
});
afterEach(() => world.stop());

const handleOf = (uri: string | undefined) => uri?.split('/').at(-1) ?? '';

describe('a start whose scopes need an administrator by default', () => {
  test('names the permissions, with a link for the administrator for the same scopes', async () => {
    const started = await world.start();
    expect(started.adminConsentPermissions).toEqual([`${GRAPH}/Mail.Read`]);
    expect(started.adminConsentUri).toMatch(new RegExp(`^${VAULT}/admin-consent/[\\w-]{43}$`));
    expect(started.warnings).toEqual([]);
    const handle = handleOf(started.adminConsentUri);
    const { scopes, approval } = await world.adminConsents.describe(handle);
    expect([scopes, approval]).toEqual([['Read your mail'], undefined]);
    expect(handle).not.toBe(handleOf(started.connectUri));
  });

  test('has the same link on its connect page, until an administrator has approved', async () => {
    const { connectUri, adminConsentUri = '' } = await world.start();
    const page = async () => (await world.visit(connectUri)).text();
    expect(await page()).toContain(adminConsentUri);
    const entra = new URL(await world.adminConsents.open(handleOf(adminConsentUri)));
    world.sandbox.grantAdminConsent(CONTOSO, '11111111-1111-4111-8111-111111111111');
    const answer = { granted: true as const, directoryId: CONTOSO };
    const state = entra.searchParams.get('state') ?? '';
    expect(await world.adminConsents.callback({ state, answer, requestId: 'r-1' })).toMatchObject({
      outcome: 'GRANTED',
    });
    expect(await page()).not.toContain('/admin-consent/');
  });

  test('of an app without the callback of the vault leads to the page of Entra', async () => {
    await world.register('own', { redirectUris: [PRODUCT_CALLBACK], implicitPermissions: [] });
    const { adminConsentUri = '', connectUri } = await world.start({
      tenantId: 'own',
      redirectUri: PRODUCT_CALLBACK,
    });
    expect(new URL(adminConsentUri).pathname).toMatch(/\/v2\.0\/adminconsent$/);
    expect(new URL(adminConsentUri).searchParams.get('redirect_uri')).toBe(PRODUCT_CALLBACK);
    const description = await world.authorizations.describe(handleOf(connectUri));
    expect(description.approval).toEqual({ adminConsentUri: undefined });
  });

  test('succeeds with the page of Entra if the link cannot be stored', async () => {
    Object.assign(world.stores.adminConsents, { start: world.outage });
    const { adminConsentUri = '' } = await world.start();
    expect(new URL(adminConsentUri).pathname).toMatch(/\/v2\.0\/adminconsent$/);
  });

  test('shows the request first if the user returns as after Cancel', async () => {
    const { authorizationUri } = await world.start();
    const state = new URL(authorizationUri).searchParams.get('state') ?? '';
    const answer = { error: 'access_denied' };
    expect(await world.authorizations.callback({ state, answer, requestId: 'r-1' })).toMatchObject({
      outcome: 'AUTHORIZATION_DECLINED',
      adminConsentLikely: true,
    });
  });
});

describe('no administrator is likely', () => {
  const permissions = async (request: Parameters<ConnectWorld['start']>[0]) => {
    const { adminConsentPermissions, adminConsentUri } = await world.start(request);
    expect(adminConsentUri === undefined).toBe(adminConsentPermissions.length === 0);
    return adminConsentPermissions;
  };

  test.each([
    ['for what users may consent to', { scopes: ['Contacts.ReadOnly', 'Mail.Send'] }],
    ['for a personal account', { directoryId: PERSONAL_DIRECTORY }],
  ])('%s', async (_, request) => {
    expect(await permissions(request)).toEqual([]);
  });

  test('for an app that serves its own directory', async () => {
    await world.register('home', { signInAudience: CONTOSO });
    expect(await permissions({ tenantId: 'home' })).toEqual([]);
  });

  test('for what the connection was granted, unless its account may change', async () => {
    await world.connect();
    expect(await permissions({})).toEqual([]);
    expect(await permissions({ scopes: ['Mail.ReadOnly', 'Tasks.ReadOnly'] })).toEqual([`${GRAPH}/Tasks.Read`]);
    expect(await permissions({ allowAccountChange: true })).toEqual([`${GRAPH}/Mail.Read`]);
  });
});

test('an implicit permission that alone needs an administrator is named, with what to change', async () => {
  await world.register('aurinko', { implicitPermissions: ['openid', 'MailboxSettings.Read', 'User.Read'] });
  const { adminConsentPermissions, warnings } = await world.start({
    tenantId: 'aurinko',
    scopes: ['Contacts.ReadOnly'],
  });
  expect(adminConsentPermissions).toEqual([`${GRAPH}/MailboxSettings.Read`]);
  expect(warnings).toEqual([expect.stringMatching(/^MailboxSettings\.Read alone .* to openid, User\.Read\.$/)]);
});
