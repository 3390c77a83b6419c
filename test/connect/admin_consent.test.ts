import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { AdminConsentAnswer } from '../../src/connect/admin_consent_callback.ts';
import type { StartAdminConsent } from '../../src/connect/start_admin_consent.ts';
import type { Reason } from '../../src/model/errors.ts';
import { ACME_CLIENT_ID, ACME_SECRET, CONTOSO, FABRIKAM } from '../../src/sandbox/state/seed.ts';
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

/** What the callback makes of an answer that Entra need not have sent. */
const answered = (state: string, answer: AdminConsentAnswer) =>
  world.adminConsents.callback({ state, answer, requestId: 'r-1' });
const granted = (state: string, directoryId: string | undefined) => answered(state, { granted: true, directoryId });

/** The administrator of the directory at Entra's page; answers the callback's address. */
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

describe('what Entra is asked for', () => {
  test('is what the scopes need and what the app always asks for, in full, OIDC scopes among it', async () => {
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

  test('is all that the registration lists, without scopes', async () => {
    const { adminConsentUri } = await start({ scopes: [] });
    expect(new URL(adminConsentUri).searchParams.get('scope')).toBe(`${GRAPH}/.default`);
  });

  test("is asked of the directory that is named, or of the app's own", async () => {
    const named = await start({ directoryId: CONTOSO.toUpperCase() });
    expect(new URL(named.adminConsentUri).pathname).toBe(`/${CONTOSO}/v2.0/adminconsent`);
    await world.register('single', { signInAudience: FABRIKAM });
    const { adminConsentUri } = await start({ tenantId: 'single' });
    expect(new URL(adminConsentUri).pathname).toBe(`/${FABRIKAM}/v2.0/adminconsent`);
  });

  test('may be asked for an app of another tenant that is shared', async () => {
    await world.register('owner', { appId: 'mail', sharedWith: ['acme'] });
    const { consentUri } = await start({ app: { tenantId: 'owner', appId: 'mail' } });
    const { product } = await world.adminConsents.describe(handleOf(consentUri));
    expect(product).toEqual({ name: 'owner mail', tenant: 'acme Inc.', logo: undefined });
  });
});

describe('is refused', () => {
  test("for an app without the vault's own callback, with what to do", async () => {
    await world.register('chat', { redirectUris: [PRODUCT_CALLBACK] });
    await refused({ tenantId: 'chat' }, 'FIELD_INVALID', { field: 'app' });
    await expect(start({ tenantId: 'chat' })).rejects.toThrow(OWN_CALLBACK);
    await world.register('plain', { redirectUris: [] });
    expect((await start({ tenantId: 'plain' })).consentUri).toContain(VAULT);
  });

  test('for an app for personal accounts alone, which have no administrator', async () => {
    await world.register('home', { signInAudience: 'consumers' });
    await refused({ tenantId: 'home' }, 'FIELD_INVALID', { field: 'app' });
  });

  test('for a return URL that is not registered, unknown scopes and directories that are none', async () => {
    await refused({ returnUrl: 'https://product.example@evil.example/' }, 'FIELD_INVALID', { field: 'return_url' });
    await refused({ scopes: ['Mail.Reed'] }, 'SCOPE_UNKNOWN');
    await refused({ directoryId: '../x' }, 'FIELD_INVALID', { field: 'directory_id' });
  });

  test("for directories that the tenant does not allow, or that are not the app's", async () => {
    await world.register('strict', {}, { allowedDirectoryIds: [CONTOSO] });
    await refused({ tenantId: 'strict', directoryId: FABRIKAM }, 'DIRECTORY_NOT_ALLOWED');
    await world.register('astray', { signInAudience: FABRIKAM }, { allowedDirectoryIds: [CONTOSO] });
    await refused({ tenantId: 'astray' }, 'DIRECTORY_NOT_ALLOWED');
    await world.register('single', { signInAudience: CONTOSO });
    await refused({ tenantId: 'single', directoryId: FABRIKAM }, 'FIELD_INVALID', { field: 'directory_id' });
  });

  test('for tenants and apps that are not there, not shared, or suspended', async () => {
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
  test('tells what is asked, for whom, and uses nothing up', async () => {
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

  test('mints a new state at each press, and the one before is worth nothing any more', async () => {
    const { consentUri, adminConsentUri } = await start();
    const pressed = await world.adminConsents.open(handleOf(consentUri));
    expect(stateOf(pressed)).not.toBe(stateOf(adminConsentUri));
    expect((await approve(adminConsentUri, FABRIKAM)).outcome).toBe('STATE_INVALID');
    expect((await approve(pressed, FABRIKAM)).outcome).toBe('GRANTED');
  });

  test('is not pressed without end, since each answer may cost requests to Entra', async () => {
    const { consentUri } = await start();
    for (let press = 1; press <= 100; press += 1) await world.adminConsents.open(handleOf(consentUri));
    const late = world.adminConsents.open(handleOf(consentUri));
    await expect(late).rejects.toMatchObject({ reason: 'RATE_LIMITED' });
  });

  test('lives seven days, its state an hour', async () => {
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
    // Whoever pressed in time is still heard.
    expect((await approve(pressed, FABRIKAM)).outcome).toBe('GRANTED');
  });

  test('ends with the consent, with a suspension, and was never another one', async () => {
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

  test('of handle and state only hashes are stored', async () => {
    const { consentUri, adminConsentUri } = await start();
    expect(await world.stores.adminConsents.findByHandle(handleOf(consentUri))).toBeUndefined();
    expect(await world.stores.adminConsents.useState(stateOf(adminConsentUri), 0)).toEqual({ kind: 'unknown' });
  });
});

describe('the answer', () => {
  test('is believed once Entra gives the app a token of its own in that directory', async () => {
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

  test('of a directory where nobody consented is not believed, and neither app nor directory is blamed for it', async () => {
    const { app } = await world.register('other');
    const { adminConsentUri } = await start({ tenantId: 'other' });
    expect((await granted(stateOf(adminConsentUri), FABRIKAM)).outcome).toBe('ADMIN_CONSENT_REQUIRED');
    const again = await start({ tenantId: 'other' });
    expect((await granted(stateOf(again.adminConsentUri), randomUUID())).outcome).toBe('BLOCKED_BY_POLICY');
    // A service principal takes its time to be known everywhere, so it was asked for more than once.
    expect(world.paused).toEqual([1_000, 2_000]);
    expect(await world.stores.apps.findByUid(app.uid)).toMatchObject({ state: 'OK', failingDirectories: [] });
    expect(world.audited.map(({ status }) => status)).toEqual(['ADMIN_CONSENT_REQUIRED', 'BLOCKED_BY_POLICY']);
  });

  test('of a directory that refuses the client in a way of its own costs no credential its good name', async () => {
    const { app } = await world.register('other');
    const { adminConsentUri } = await start({ tenantId: 'other' });
    world.sandbox.injectFault({ kind: 'error', code: 5000999, error: 'invalid_client' });
    expect((await granted(stateOf(adminConsentUri), FABRIKAM)).outcome).toBe('ENTRA_UNAVAILABLE');
    expect(await world.stores.apps.findByUid(app.uid)).toMatchObject({ state: 'OK' });
    expect(await world.stores.apps.credentials(app.uid)).not.toMatchObject([{ verdict: 'REJECTED' }]);
  });

  test('is believed where the service principal is known a moment later', async () => {
    const { adminConsentUri } = await start();
    const callback = new URL(await decide(adminConsentUri, FABRIKAM));
    world.sandbox.injectFault({ kind: 'error', code: 700016, count: 1 });
    const { outcome } = await granted(callback.searchParams.get('state') ?? '', FABRIKAM);
    expect([outcome, world.paused]).toEqual(['GRANTED', [1_000]]);
  });

  test('must be of the directory that was named, and of one that the tenant allows', async () => {
    const named = await start({ directoryId: FABRIKAM });
    expect((await granted(stateOf(named.adminConsentUri), CONTOSO)).outcome).toBe('DIRECTORY_NOT_ALLOWED');
    await world.register('strict', {}, { allowedDirectoryIds: [FABRIKAM] });
    const strict = await start({ tenantId: 'strict' });
    expect((await granted(stateOf(strict.adminConsentUri), CONTOSO)).outcome).toBe('DIRECTORY_NOT_ALLOWED');
    expect(ownTokens()).toEqual([]);
  });

  test('must name a directory by its GUID: nothing else gets into the address that the secret is sent to', async () => {
    for (const directoryId of [undefined, '', 'common', 'contoso.example', `${CONTOSO}/../x`, `${CONTOSO}\n`]) {
      const { adminConsentUri } = await start();
      expect((await granted(stateOf(adminConsentUri), directoryId)).outcome).toBe('DIRECTORY_NOT_ALLOWED');
    }
    expect(ownTokens()).toEqual([]);
  });

  test('that the administrator declined is told as that', async () => {
    const { adminConsentUri, consentUri } = await start({ returnUrl: RETURN_URL });
    const { searchParams } = new URL(await decide(adminConsentUri, FABRIKAM, { declines: true }));
    const declined = await answered(searchParams.get('state') ?? '', { error: searchParams.get('error') ?? '' });
    expect(declined.outcome).toBe('AUTHORIZATION_DECLINED');
    expect(new URL(declined.returnUrl ?? '').searchParams.get('outcome')).toBe('authorization_declined');
    expect(ownTokens()).toEqual([]);
    // Entra sends back everybody who may not approve as if they had declined: for the administrator the link is still good.
    expect((await approve(await world.adminConsents.open(handleOf(consentUri)), FABRIKAM)).outcome).toBe('GRANTED');
  });

  test.each([
    ['consent_required', 'AADSTS65004: …', 'AUTHORIZATION_DECLINED'],
    ['access_denied', 'AADSTS50105: …', 'BLOCKED_BY_POLICY'],
    ['server_error', undefined, 'ENTRA_UNAVAILABLE'],
    ['<script>', '<script>', 'APP_MISCONFIGURED'],
  ] as const)('%s %s means what it means for a user: %s', async (error, errorDescription, reason) => {
    const { adminConsentUri } = await start();
    expect((await answered(stateOf(adminConsentUri), { error, errorDescription })).outcome).toBe(reason);
  });

  test('is told again as it was told first', async () => {
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

  test('that is not believed is not asked of Entra a second time', async () => {
    const { adminConsentUri } = await start();
    expect((await granted(stateOf(adminConsentUri), FABRIKAM)).outcome).toBe('ADMIN_CONSENT_REQUIRED');
    const asked = ownTokens().length;
    expect((await granted(stateOf(adminConsentUri), FABRIKAM)).outcome).toBe('ENTRA_UNAVAILABLE');
    expect(ownTokens()).toHaveLength(asked);
  });

  test.each(['of another directory', 'too early for Entra to know', 'of an administrator whom a policy stopped'])(
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

  test('that comes three times at once is judged once', async () => {
    const { adminConsentUri } = await start();
    const { searchParams } = new URL(await decide(adminConsentUri, FABRIKAM));
    const state = searchParams.get('state') ?? '';
    const outcomes = await Promise.all([1, 2, 3].map(async () => (await granted(state, FABRIKAM)).outcome));
    expect(outcomes).toEqual(['GRANTED', 'GRANTED', 'GRANTED']);
    expect([ownTokens(), world.audited].map(({ length }) => length)).toEqual([1, 1]);
  });

  test('is nothing without a state that was minted for it', async () => {
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

  test("with a state of this flow does not pass for a user's sign-in", async () => {
    const state = stateOf((await start()).adminConsentUri);
    const { outcome } = await world.authorizations.callback({
      state,
      answer: { error: 'access_denied' },
      requestId: 'r',
    });
    expect(outcome).toBe('STATE_INVALID');
  });

  test('never throws for what was sent', async () => {
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

describe('what nobody could find out is not told as granted', () => {
  test('Entra does not answer: the link stays good', async () => {
    const { adminConsentUri, consentUri } = await start();
    const { searchParams } = new URL(await decide(adminConsentUri, FABRIKAM));
    const state = searchParams.get('state') ?? '';
    world.sandbox.injectFault({ kind: 'html', count: 5 });
    expect((await granted(state, FABRIKAM)).outcome).toBe('ENTRA_UNAVAILABLE');
    expect((await granted(state, FABRIKAM)).outcome).toBe('ENTRA_UNAVAILABLE');
    world.sandbox.clearFaults();
    expect((await approve(await world.adminConsents.open(handleOf(consentUri)), FABRIKAM)).outcome).toBe('GRANTED');
  });

  test('the app has no credential, or none that works', async () => {
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

  test('it cannot be written down', async () => {
    world.audit.broken = true;
    expect((await approve((await start()).adminConsentUri, FABRIKAM)).outcome).toBe('AUDIT_UNAVAILABLE');
  });
});

test('a directory that failed for want of consent is asked again at once', async () => {
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
