import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { StartRequest } from '../../src/connect/start_authorization.ts';
import type { App } from '../../src/model/entra_app.ts';
import { Secret } from '../../src/model/secret.ts';
import { CONTOSO } from '../../src/sandbox/state/seed_data.ts';
import {
  ADA,
  type ConnectWorld,
  GRAPH,
  OWN_CALLBACK,
  PRODUCT_CALLBACK,
  startConnectWorld,
  VAULT,
} from './connect_world.ts';

const EVE = 'eve@strict.example';

let world: ConnectWorld;
let strictId: string;

beforeEach(async () => {
  world = await startConnectWorld();
  await world.register('acme');
  strictId = world.sandbox.addDirectory({ domain: 'strict.example', userConsent: 'none' }).id;
  world.sandbox.addUser({ username: EVE, directoryId: strictId });
});

afterEach(() => world.stop());

const stateOf = (uri: string) => new URL(uri).searchParams.get('state') ?? '';

/** The outcome of the vault's own callback for this error. */
async function failed(error: { error: string; errorDescription?: string }, request: Partial<StartRequest> = {}) {
  const { authorizationUri } = await world.start(request);
  const state = stateOf(authorizationUri);
  const answer = () => world.authorizations.callback({ state, answer: error, requestId: 'r-1' });
  return { first: await answer(), answer };
}

const NEEDS_ADMIN = { error: 'access_denied', errorDescription: 'AADSTS90094: …' };
/** "Need admin approval" and Cancel both return like this. */
const CANCELLED = { error: 'access_denied' };

const consents = () => world.counted.filter((counted) => counted === 'consent started').length;

describe('a user who may not consent', () => {
  test.each([
    ["by Entra's error", NEEDS_ADMIN, 'ADMIN_CONSENT_REQUIRED'],
    ['by a return as after Cancel', CANCELLED, 'AUTHORIZATION_DECLINED'],
  ])('%s, gets a link for an administrator, for the same scopes', async (_, error, outcome) => {
    const { first } = await failed(error);
    expect(first).toMatchObject({ outcome, product: { name: 'acme mail', tenant: 'acme Inc.', logo: undefined } });
    const handle = first.adminConsentUri?.replace(`${VAULT}/admin-consent/`, '') ?? '';
    expect(await world.adminConsents.describe(handle)).toMatchObject({ scopes: ['Read your mail'] });
    const { searchParams } = new URL(await world.adminConsents.open(handle));
    expect(searchParams.get('redirect_uri')).toBe(OWN_CALLBACK);
    expect(searchParams.get('scope')).toContain(`${GRAPH}/Mail.Read ${GRAPH}/MailboxSettings.Read`);
  });

  test('sees the same link when the page is reloaded, and only one is created', async () => {
    const { first, answer } = await failed(NEEDS_ADMIN);
    expect(await answer()).toEqual(first);
    expect(consents()).toBe(1);
    const handle = first.adminConsentUri?.split('/').at(-1) ?? '';
    const { searchParams } = new URL(await world.adminConsents.open(handle));
    await world.adminConsents.callback({
      state: searchParams.get('state') ?? '',
      answer: { granted: true, directoryId: CONTOSO },
      requestId: 'r-2',
    });
    expect(await answer()).toEqual({ ...first, adminConsentUri: undefined });
  });

  test('gets a link for the directory of the sign-in', async () => {
    const { first } = await failed(NEEDS_ADMIN, { directoryId: strictId });
    const uri = await world.adminConsents.open(first.adminConsentUri?.split('/').at(-1) ?? '');
    expect(new URL(uri).pathname).toBe(`/${strictId}/v2.0/adminconsent`);
  });

  test('of an app for personal accounts gets no link', async () => {
    await world.register('home', { signInAudience: 'consumers' });
    const { first } = await failed(NEEDS_ADMIN, { tenantId: 'home' });
    expect([first.outcome, first.adminConsentUri]).toEqual(['ADMIN_CONSENT_REQUIRED', undefined]);
  });

  test('sees the failure even if no link can be created', async () => {
    const { authorizationUri } = await world.start();
    Object.assign(world.stores.adminConsents, { start: world.outage, findByHandle: world.outage });
    const answer = { state: stateOf(authorizationUri), answer: NEEDS_ADMIN, requestId: 'r-1' };
    for (let times = 0; times < 2; times += 1) {
      expect(await world.authorizations.callback(answer)).toMatchObject({
        outcome: 'ADMIN_CONSENT_REQUIRED',
        adminConsentUri: undefined,
      });
    }
  });

  test('connects after an administrator has approved', async () => {
    const { connectUri } = await world.start();
    const pressed = await world.visit(connectUri, { method: 'POST' });
    const callback = await world.signIn(pressed.headers.get('location') ?? '', EVE);
    const outcome = await world.authorizations.callback({
      state: callback.searchParams.get('state') ?? '',
      answer: { error: callback.searchParams.get('error') ?? '' },
      requestId: 'r-1',
    });
    const uri = await world.adminConsents.open(outcome.adminConsentUri?.split('/').at(-1) ?? '');
    const approved = await world.visit(`${uri}&sandbox_auto=${strictId}`);
    const page = await world.visit(approved.headers.get('location') ?? '');
    expect(page.status).toBe(200);
    expect((await world.connect({}, EVE)).grantState).toBe('ACTIVE');
  });
});

describe('an outcome that needs no administrator', () => {
  test('has no link', async () => {
    const { authorizationUri } = await world.start();
    const callback = await world.signIn(authorizationUri, ADA);
    const state = callback.searchParams.get('state') ?? '';
    const code = new Secret(callback.searchParams.get('code') ?? '');
    const good = await world.authorizations.callback({ state, answer: { code }, requestId: 'r-1' });
    expect([good.outcome, good.adminConsentUri]).toEqual(['GRANTED', undefined]);
    const { first } = await failed({ error: 'server_error' }, { connectionId: 'bob' });
    expect([first.outcome, first.adminConsentUri]).toEqual(['ENTRA_UNAVAILABLE', undefined]);
    expect(consents()).toBe(0);
  });
});

describe('a product with its own callback', () => {
  async function refusal(
    error: { error: string; errorDescription?: string },
    app: Partial<App>,
    scopes = ['Mail.Send'],
  ) {
    await world.register('chat', { catalog: 'microsoft', ...app });
    const { authorizationUri } = await world.start({ tenantId: 'chat', redirectUri: PRODUCT_CALLBACK, scopes });
    const completed = world.authorizations.complete({
      tenantId: 'chat',
      connectionId: 'ada',
      state: stateOf(authorizationUri),
      answer: error,
    });
    return completed.catch((failure: { reason: string; metadata: Record<string, string> }) => failure);
  }
  const addressIn = (failure: unknown) =>
    new URL((failure as { metadata: Record<string, string> }).metadata['adminConsentUri'] ?? '');

  test("gets Entra's own address with the error, which leads to the product's callback", async () => {
    const failure = await refusal(NEEDS_ADMIN, { redirectUris: [PRODUCT_CALLBACK] });
    expect(failure).toMatchObject({ reason: 'ADMIN_CONSENT_REQUIRED' });
    const { pathname, searchParams } = addressIn(failure);
    expect(pathname).toBe('/organizations/v2.0/adminconsent');
    expect(searchParams.get('redirect_uri')).toBe(PRODUCT_CALLBACK);
    expect(searchParams.get('scope')).toContain(`${GRAPH}/Mail.Send`);
    // It contains no secret, since it may appear in a log.
    expect(searchParams.get('state')).toBe('admin-consent');
    expect(consents()).toBe(0);
  });

  test("gets an address that leads to the vault's callback if the app has it too", async () => {
    const failure = await refusal(CANCELLED, { redirectUris: [PRODUCT_CALLBACK, OWN_CALLBACK] });
    expect(failure).toMatchObject({ reason: 'AUTHORIZATION_DECLINED' });
    expect(addressIn(failure).searchParams.get('redirect_uri')).toBe(OWN_CALLBACK);
  });

  test('gets an address for all registered permissions if the exact one is too long', async () => {
    const known = world.scopes.catalogs().find(({ name }) => name === 'microsoft')?.scopes ?? [];
    const failure = await refusal(
      NEEDS_ADMIN,
      {},
      known.slice(0, 40).map(({ scope }) => scope),
    );
    expect(addressIn(failure).searchParams.get('scope')).toBe(`${GRAPH}/.default`);
    expect(addressIn(failure).href.length).toBeLessThan(1_000);
  });

  test('of an app for personal accounts gets no address', async () => {
    const failure = await refusal(NEEDS_ADMIN, { signInAudience: 'consumers' });
    expect(failure).not.toHaveProperty('metadata.adminConsentUri');
  });
});
