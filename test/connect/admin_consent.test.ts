import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { AdminConsentAnswer } from '../../src/connect/admin_consent_callback.ts';
import type { StartAdminConsent } from '../../src/connect/start_admin_consent.ts';
import type { Reason } from '../../src/model/errors.ts';
import { ACME_CLIENT_ID, ACME_SECRET, CONTOSO, FABRIKAM } from '../../src/sandbox/state/seed_data.ts';
import {
  ALAN,
  type ConnectWorld,
  GRAPH,
  OWN_CALLBACK,
  PRODUCT_CALLBACK,
  startConnectWorld,
  VAULT,
} from './connect_world.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const RETURN_URL = 'https://product.example/approved';

let world: ConnectWorld;

beforeEach(async () => {
  world = await startConnectWorld();
  await world.register('acme');
});

afterEach(() => world.stop());

const start = (request: Partial<StartAdminConsent> = {}) =>
  world.adminConsents.start({ tenantId: 'acme', scopes: ['Mail.ReadOnly'], ...request });

const refused = (request: Partial<StartAdminConsent>, reason: Reason, metadata: Record<string, string> = {}) =>
  expect(start(request)).rejects.toMatchObject({ reason, metadata });

const stateOf = (uri: string) => new URL(uri).searchParams.get('state') ?? '';
const handleOf = (uri: string) => uri.split('/').at(-1) ?? '';

/** Calls the callback with a response that may be forged. */
const answered = (state: string, answer: AdminConsentAnswer) =>
  world.adminConsents.callback({ state, answer, requestId: 'r-1' });
const granted = (state: string, directoryId: string | undefined) => answered(state, { granted: true, directoryId });

/** The directory's administrator at Entra's page; returns the callback's address. */
async function decide(adminConsentUri: string, directoryId: string, { declines = false } = {}): Promise<string> {
  const automatic = `${adminConsentUri}&sandbox_auto=${directoryId}${declines ? '&sandbox_decline=1' : ''}`;
  const answer = await world.visit(automatic);
  if (answer.status !== 302) throw new Error(`${answer.status}: ${await answer.text()}`);
  return answer.headers.get('location') ?? '';
}

async function approve(uri: string, directoryId: string) {
  const { searchParams } = new URL(await decide(uri, directoryId));
  return granted(searchParams.get('state') ?? '', searchParams.get('tenant') ?? undefined);
}

const ownTokens = () =>
  world.sandbox.requests().filter(({ endpoint, grant }) => endpoint === 'token' && grant === 'client_credentials');

describe('the request to Entra', () => {
  test('has the needed permissions, the implicit ones and the OIDC scopes, in full form', async () => {
    const { searchParams, pathname } = new URL((await start()).adminConsentUri);
    expect(pathname).toBe('/organizations/v2.0/adminconsent');
    expect(searchParams.get('client_id')).toBe(ACME_CLIENT_ID);
    expect(searchParams.get('redirect_uri')).toBe(OWN_CALLBACK);
    expect(searchParams.get('scope')?.split(' ').sort()).toEqual(
      ['Mail.Read', 'MailboxSettings.Read', 'User.Read']
        .map((name) => `${GRAPH}/${name}`)
        .concat('email', 'offline_access', 'openid', 'profile')
        .sort(),
    );
  });

  test('requests all that the registration lists if no scopes are given', async () => {
    const { adminConsentUri } = await start({ scopes: [] });
    expect(new URL(adminConsentUri).searchParams.get('scope')).toBe(`${GRAPH}/.default`);
  });

  test("goes to the named directory, or to the app's own", async () => {
    const named = await start({ directoryId: CONTOSO.toUpperCase() });
    expect(new URL(named.adminConsentUri).pathname).toBe(`/${CONTOSO}/v2.0/adminconsent`);
    await world.register('single', { signInAudience: FABRIKAM });
    const { adminConsentUri } = await start({ tenantId: 'single' });
    expect(new URL(adminConsentUri).pathname).toBe(`/${FABRIKAM}/v2.0/adminconsent`);
  });

  test('may use a shared app of another tenant', async () => {
    await world.register('owner', { appId: 'mail', sharedWith: ['acme'] });
    const { consentUri } = await start({ app: { tenantId: 'owner', appId: 'mail' } });
    const { product } = await world.adminConsents.describe(handleOf(consentUri));
    expect(product).toEqual({ name: 'owner mail', tenant: 'acme Inc.', logo: undefined });
  });
});

describe('a start is rejected', () => {
  test("for an app without the vault's own callback, with the next step", async () => {
    await world.register('chat', { redirectUris: [PRODUCT_CALLBACK] });
    await refused({ tenantId: 'chat' }, 'FIELD_INVALID', { field: 'app' });
    await expect(start({ tenantId: 'chat' })).rejects.toThrow(OWN_CALLBACK);
    await world.register('plain', { redirectUris: [] });
    expect((await start({ tenantId: 'plain' })).consentUri).toContain(VAULT);
  });

  test('for an app that is only for personal accounts, which have no administrator', async () => {
    await world.register('home', { signInAudience: 'consumers' });
    await refused({ tenantId: 'home' }, 'FIELD_INVALID', { field: 'app' });
  });

  test('for an unregistered return URL, unknown scopes and invalid directory ids', async () => {
    await refused({ returnUrl: 'https://product.example@evil.example/' }, 'FIELD_INVALID', { field: 'return_url' });
    await refused({ scopes: ['Mail.Reed'] }, 'SCOPE_UNKNOWN');
    await refused({ directoryId: '../x' }, 'FIELD_INVALID', { field: 'directory_id' });
  });

  test('for directories that the tenant does not allow, or that the app does not serve', async () => {
    await world.register('strict', {}, { allowedDirectoryIds: [CONTOSO] });
    await refused({ tenantId: 'strict', directoryId: FABRIKAM }, 'DIRECTORY_NOT_ALLOWED');
    await world.register('astray', { signInAudience: FABRIKAM }, { allowedDirectoryIds: [CONTOSO] });
    await refused({ tenantId: 'astray' }, 'DIRECTORY_NOT_ALLOWED');
    await world.register('single', { signInAudience: CONTOSO });
    await refused({ tenantId: 'single', directoryId: FABRIKAM }, 'FIELD_INVALID', { field: 'directory_id' });
  });

  test('for tenants and apps that do not exist, are not shared, or are suspended', async () => {
    await refused({ tenantId: 'nobody' }, 'TENANT_NOT_FOUND');
    await world.register('private');
    await refused({ app: { tenantId: 'private', appId: 'default' } }, 'APP_NOT_FOUND');
    await world.register('off', { suspended: true });
    await refused({ tenantId: 'off' }, 'APP_SUSPENDED');
    await world.register('gone', {}, { state: 'SUSPENDED' });
    await refused({ tenantId: 'gone' }, 'TENANT_SUSPENDED');
  });
});

describe('the link', () => {
  test('shows product and scopes, and is not used up by a visit', async () => {
    const { consentUri, adminConsentUri } = await start({ scopes: ['Mail.ReadOnly', 'Mail.ReadWrite'] });
    for (let visits = 0; visits < 3; visits += 1) {
      expect(await world.adminConsents.describe(handleOf(consentUri))).toEqual({
        product: { name: 'acme mail', tenant: 'acme Inc.', logo: undefined },
        scopes: ['Read, change and delete your mail, and write drafts'],
        implicit: [
          'Read your mailbox settings, such as time zone and automatic replies',
          'Sign you in and read your profile',
          'See your name and e-mail address',
          'Stay connected when you are away',
        ],
        expireTime: expect.any(Number),
      });
    }
    expect((await approve(adminConsentUri, FABRIKAM)).outcome).toBe('GRANTED');
  });

  test('mints a new state at each press, and the previous one becomes invalid', async () => {
    const { consentUri, adminConsentUri } = await start();
    const pressed = await world.adminConsents.open(handleOf(consentUri));
    expect(stateOf(pressed)).not.toBe(stateOf(adminConsentUri));
    expect((await approve(adminConsentUri, FABRIKAM)).outcome).toBe('STATE_INVALID');
    expect((await approve(pressed, FABRIKAM)).outcome).toBe('GRANTED');
  });

  test('can be pressed only a limited number of times', async () => {
    const { consentUri } = await start();
    for (let press = 1; press <= 100; press += 1) await world.adminConsents.open(handleOf(consentUri));
    const late = world.adminConsents.open(handleOf(consentUri));
    await expect(late).rejects.toMatchObject({ reason: 'RATE_LIMITED' });
  });

  test('is valid for seven days, its state for an hour', async () => {
    const { consentUri, adminConsentUri, expireTime, adminConsentExpireTime } = await start();
    expect(expireTime - adminConsentExpireTime).toBe(7 * DAY - HOUR);
    world.sandbox.clock.advance(HOUR + 1_000);
    expect((await approve(adminConsentUri, FABRIKAM)).outcome).toBe('STATE_INVALID');
    world.sandbox.clock.advance(7 * DAY - 1.5 * HOUR);
    const pressed = await world.adminConsents.open(handleOf(consentUri));
    world.sandbox.clock.advance(HOUR / 2);
    for (const late of [world.adminConsents.open, world.adminConsents.describe]) {
      await expect(late(handleOf(consentUri))).rejects.toMatchObject({ reason: 'STATE_INVALID' });
    }
    // A response to an earlier press is still accepted.
    expect((await approve(pressed, FABRIKAM)).outcome).toBe('GRANTED');
  });

  test('becomes invalid after the consent, and works neither while suspended nor with a wrong handle', async () => {
    const { consentUri, adminConsentUri } = await start();
    await approve(adminConsentUri, FABRIKAM);
    const press = (handle: string) => world.adminConsents.open(handle);
    await expect(press(handleOf(consentUri))).rejects.toMatchObject({ reason: 'STATE_INVALID' });
    await expect(press('x'.repeat(43))).rejects.toMatchObject({ reason: 'STATE_INVALID' });
    await expect(press("' OR 1=1 --")).rejects.toMatchObject({ reason: 'STATE_INVALID' });

    const other = await start();
    const tenant = await world.stores.tenants.find('acme');
    if (tenant === undefined) throw new Error('no tenant');
    await world.stores.tenants.update(tenant, { ...tenant, state: 'SUSPENDED' });
    await expect(press(handleOf(other.consentUri))).rejects.toMatchObject({ reason: 'TENANT_SUSPENDED' });
    expect(await approve(other.adminConsentUri, FABRIKAM)).toMatchObject({
      outcome: 'TENANT_SUSPENDED',
      product: { tenant: 'acme Inc.' },
    });
  });

  test('only hashes of handle and state are stored', async () => {
    const { consentUri, adminConsentUri } = await start();
    expect(await world.stores.adminConsents.findByHandle(handleOf(consentUri))).toBeUndefined();
    expect(await world.stores.adminConsents.useState(stateOf(adminConsentUri), 0)).toEqual({ kind: 'unknown' });
  });
});

describe('the response', () => {
  test('is accepted once Entra issues an app token in that directory', async () => {
    const { adminConsentUri } = await start({ returnUrl: RETURN_URL });
    const { outcome, returnUrl, product } = await approve(adminConsentUri, FABRIKAM);
    expect(outcome).toBe('GRANTED');
    expect(product?.name).toBe('acme mail');
    const back = new URL(returnUrl ?? '');
    expect(`${back.origin}${back.pathname}`).toBe(RETURN_URL);
    expect(Object.fromEntries(back.searchParams)).toEqual({ app: 'tenants/acme/apps/default', outcome: 'granted' });
    expect(ownTokens().map(({ directory }) => directory)).toEqual([FABRIKAM]);
    expect(world.audited).toMatchObject([
      {
        method: 'web/admin-consent',
        resource: 'tenants/acme/apps/default',
        status: 'OK',
        caller: 'browser',
        requestId: 'r-1',
      },
    ]);
    expect(world.counted).toEqual(['consent started', 'consent GRANTED']);
  });

  test('without consent in the directory is rejected, and changes no state of app or directory', async () => {
    const { app } = await world.register('other');
    const { adminConsentUri } = await start({ tenantId: 'other' });
    expect((await granted(stateOf(adminConsentUri), FABRIKAM)).outcome).toBe('ADMIN_CONSENT_REQUIRED');
    const again = await start({ tenantId: 'other' });
    expect((await granted(stateOf(again.adminConsentUri), randomUUID())).outcome).toBe('BLOCKED_BY_POLICY');
    // A service principal needs time to propagate, so Entra was probed more than once.
    expect(world.paused).toEqual([1_000, 2_000]);
    expect(await world.stores.apps.findByUid(app.uid)).toMatchObject({ state: 'OK', failingDirectories: [] });
    expect(world.audited.map(({ status }) => status)).toEqual(['ADMIN_CONSENT_REQUIRED', 'BLOCKED_BY_POLICY']);
  });

  test('of a directory that rejects the client does not mark the credential', async () => {
    const { app } = await world.register('other');
    const { adminConsentUri } = await start({ tenantId: 'other' });
    world.sandbox.injectFault({ kind: 'error', code: 5000999, error: 'invalid_client' });
    expect((await granted(stateOf(adminConsentUri), FABRIKAM)).outcome).toBe('ENTRA_UNAVAILABLE');
    expect(await world.stores.apps.findByUid(app.uid)).toMatchObject({ state: 'OK' });
    expect(await world.stores.apps.credentials(app.uid)).not.toMatchObject([{ verdict: 'REJECTED' }]);
  });

  test('is accepted if the service principal appears a moment later', async () => {
    const { adminConsentUri } = await start();
    const callback = new URL(await decide(adminConsentUri, FABRIKAM));
    world.sandbox.injectFault({ kind: 'error', code: 700016, count: 1 });
    const { outcome } = await granted(callback.searchParams.get('state') ?? '', FABRIKAM);
    expect([outcome, world.paused]).toEqual(['GRANTED', [1_000]]);
  });

  test('must be for the named directory, and for one that the tenant allows', async () => {
    const named = await start({ directoryId: FABRIKAM });
    expect((await granted(stateOf(named.adminConsentUri), CONTOSO)).outcome).toBe('DIRECTORY_NOT_ALLOWED');
    await world.register('strict', {}, { allowedDirectoryIds: [FABRIKAM] });
    const strict = await start({ tenantId: 'strict' });
    expect((await granted(stateOf(strict.adminConsentUri), CONTOSO)).outcome).toBe('DIRECTORY_NOT_ALLOWED');
    expect(ownTokens()).toEqual([]);
  });

  test("must name a directory by its GUID, since it becomes part of the token endpoint's URL", async () => {
    for (const directoryId of [undefined, '', 'common', 'contoso.example', `${CONTOSO}/../x`, `${CONTOSO}\n`]) {
      const { adminConsentUri } = await start();
      expect((await granted(stateOf(adminConsentUri), directoryId)).outcome).toBe('DIRECTORY_NOT_ALLOWED');
    }
    expect(ownTokens()).toEqual([]);
  });

  test('from an administrator who declined has that outcome', async () => {
    const { adminConsentUri, consentUri } = await start({ returnUrl: RETURN_URL });
    const { searchParams } = new URL(await decide(adminConsentUri, FABRIKAM, { declines: true }));
    const declined = await answered(searchParams.get('state') ?? '', { error: searchParams.get('error') ?? '' });
    expect(declined.outcome).toBe('AUTHORIZATION_DECLINED');
    expect(new URL(declined.returnUrl ?? '').searchParams.get('outcome')).toBe('authorization_declined');
    expect(ownTokens()).toEqual([]);
    // Entra sends users who may not approve back as if they had declined, so the link stays valid for the administrator.
    expect((await approve(await world.adminConsents.open(handleOf(consentUri)), FABRIKAM)).outcome).toBe('GRANTED');
  });

  test.each([
    ['consent_required', 'AADSTS65004: …', 'AUTHORIZATION_DECLINED'],
    ['access_denied', 'AADSTS50105: …', 'BLOCKED_BY_POLICY'],
    ['server_error', undefined, 'ENTRA_UNAVAILABLE'],
    ['<script>', '<script>', 'APP_MISCONFIGURED'],
  ] as const)('%s %s means the same as for a user: %s', async (error, errorDescription, reason) => {
    const { adminConsentUri } = await start();
    expect((await answered(stateOf(adminConsentUri), { error, errorDescription })).outcome).toBe(reason);
  });

  test('has the same outcome when the page is reloaded', async () => {
    const good = await start();
    await approve(good.adminConsentUri, FABRIKAM);
    expect((await granted(stateOf(good.adminConsentUri), randomUUID())).outcome).toBe('GRANTED');
    const declined = await start();
    for (let times = 0; times < 2; times += 1) {
      const { outcome } = await answered(stateOf(declined.adminConsentUri), { error: 'access_denied' });
      expect(outcome).toBe('AUTHORIZATION_DECLINED');
    }
    const astray = await start({ directoryId: FABRIKAM });
    for (let times = 0; times < 2; times += 1)
      expect((await granted(stateOf(astray.adminConsentUri), CONTOSO)).outcome).toBe('DIRECTORY_NOT_ALLOWED');
    const blocked = await start();
    const policy = { error: 'access_denied', errorDescription: 'AADSTS50105: …' };
    for (let times = 0; times < 2; times += 1)
      expect((await answered(stateOf(blocked.adminConsentUri), policy)).outcome).toBe('BLOCKED_BY_POLICY');
    expect(world.audited).toHaveLength(4);
  });

  test('that was rejected is not checked with Entra a second time', async () => {
    const { adminConsentUri } = await start();
    expect((await granted(stateOf(adminConsentUri), FABRIKAM)).outcome).toBe('ADMIN_CONSENT_REQUIRED');
    const asked = ownTokens().length;
    expect((await granted(stateOf(adminConsentUri), FABRIKAM)).outcome).toBe('ENTRA_UNAVAILABLE');
    expect(ownTokens()).toHaveLength(asked);
  });

  test.each(['of another directory', 'before the consent propagated', 'of an administrator blocked by a policy'])(
    '%s leaves the link good for another try',
    async (what) => {
      const { adminConsentUri, consentUri } = await start({ directoryId: FABRIKAM });
      const state = stateOf(adminConsentUri);
      if (what.startsWith('of another')) await granted(state, CONTOSO);
      else if (what.startsWith('too early')) await granted(state, FABRIKAM);
      else await answered(state, { error: 'access_denied', errorDescription: 'AADSTS53003: …' });
      expect((await approve(await world.adminConsents.open(handleOf(consentUri)), FABRIKAM)).outcome).toBe('GRANTED');
    },
  );

  test('that arrives three times at once is handled once', async () => {
    const { adminConsentUri } = await start();
    const { searchParams } = new URL(await decide(adminConsentUri, FABRIKAM));
    const state = searchParams.get('state') ?? '';
    const outcomes = await Promise.all([1, 2, 3].map(async () => (await granted(state, FABRIKAM)).outcome));
    expect(outcomes).toEqual(['GRANTED', 'GRANTED', 'GRANTED']);
    expect([ownTokens(), world.audited].map(({ length }) => length)).toEqual([1, 1]);
  });

  test('without a state of this flow is rejected', async () => {
    const { authorizationUri } = await world.start();
    const states = ['', 'admin.', `admin.${'x'.repeat(43)}`, 'x'.repeat(43), stateOf(authorizationUri)];
    for (const state of [...states, `admin.${stateOf(authorizationUri)}`]) {
      expect(await granted(state, FABRIKAM)).toEqual({
        outcome: 'STATE_INVALID',
        returnUrl: undefined,
        product: undefined,
      });
    }
    expect([world.audited, ownTokens()]).toEqual([[], []]);
  });

  test("with a state of this flow is no user's sign-in", async () => {
    const state = stateOf((await start()).adminConsentUri);
    const { outcome } = await world.authorizations.callback({
      state,
      answer: { error: 'access_denied' },
      requestId: 'r',
    });
    expect(outcome).toBe('STATE_INVALID');
  });

  test('never throws because of its content', async () => {
    const { adminConsentUri } = await start();
    const directoryId = fc.option(fc.oneof(fc.string({ unit: 'binary' }), fc.constant(FABRIKAM)), { nil: undefined });
    const text = fc.string({ unit: 'binary' });
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          text,
          text.map((rest) => `admin.${rest}`),
          fc.constant(stateOf(adminConsentUri)),
        ),
        fc.oneof(
          directoryId.map((id) => ({ granted: true as const, directoryId: id })),
          text.map((error) => ({ error, errorDescription: error })),
        ),
        async (state, answer) => {
          expect((await answered(state, answer)).outcome).not.toBe('INTERNAL');
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('a consent that could not be checked is not GRANTED', () => {
  test('Entra does not answer: the link stays valid', async () => {
    const { adminConsentUri, consentUri } = await start();
    const { searchParams } = new URL(await decide(adminConsentUri, FABRIKAM));
    const state = searchParams.get('state') ?? '';
    world.sandbox.injectFault({ kind: 'html', count: 5 });
    expect((await granted(state, FABRIKAM)).outcome).toBe('ENTRA_UNAVAILABLE');
    expect((await granted(state, FABRIKAM)).outcome).toBe('ENTRA_UNAVAILABLE');
    world.sandbox.clearFaults();
    expect((await approve(await world.adminConsents.open(handleOf(consentUri)), FABRIKAM)).outcome).toBe('GRANTED');
  });

  test('the app has no working credential', async () => {
    const { app } = await world.register('bare');
    await world.stores.apps.removeCredential(app.uid, 'secret');
    expect((await approve((await start({ tenantId: 'bare' })).adminConsentUri, FABRIKAM)).outcome).toBe(
      'APP_CREDENTIAL_REJECTED',
    );
    world.sandbox.expireSecret(ACME_CLIENT_ID, ACME_SECRET);
    const { adminConsentUri, consentUri } = await start();
    expect((await approve(adminConsentUri, FABRIKAM)).outcome).toBe('APP_CREDENTIAL_REJECTED');
    expect(await world.adminConsents.open(handleOf(consentUri))).toContain('adminconsent');
  });

  test('it cannot be audited', async () => {
    world.audit.broken = true;
    expect((await approve((await start()).adminConsentUri, FABRIKAM)).outcome).toBe('AUDIT_UNAVAILABLE');
  });
});

test('a directory that failed for missing consent is requested again at once', async () => {
  const { app } = await world.register('healed');
  const evidence = {
    reason: 'ADMIN_CONSENT_REQUIRED' as const,
    entraError: undefined,
    correlationId: undefined,
    time: 0,
  };
  await world.stores.apps.recordFailingDirectory(app.uid, FABRIKAM, evidence);
  await world.stores.apps.recordFailingDirectory(app.uid, CONTOSO, evidence);
  const { adminConsentUri } = await start({ tenantId: 'healed' });

  const import_ = () =>
    world.imports.import({
      tenantId: 'healed',
      connectionId: 'alan',
      refreshToken: world.refreshTokenFor(ALAN),
      scopes: ['Mail.ReadOnly'],
      verify: 'NOW',
      account: { directoryId: FABRIKAM },
    });
  world.sandbox.injectFault({ kind: 'error', code: 700016, count: 1 });
  await expect(import_()).rejects.toMatchObject({ reason: 'ADMIN_CONSENT_REQUIRED' });

  expect((await approve(adminConsentUri, FABRIKAM)).outcome).toBe('GRANTED');
  expect(
    (await world.stores.apps.findByUid(app.uid))?.failingDirectories.map(({ directoryId }) => directoryId),
  ).toEqual([CONTOSO]);
  expect(world.announced).toContainEqual({ kind: 'app', uid: app.uid });
  expect((await import_()).grantState).toBe('ACTIVE');
});
