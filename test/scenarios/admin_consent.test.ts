import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { App_State } from '../../src/gen/tokenvault/v1/app_pb.ts';
import { Connection_State } from '../../src/gen/tokenvault/v1/connection_pb.ts';
import { CONTOSO } from '../../src/sandbox/state/seed_data.ts';
import { type Onboarded, onboard, RETURN_URL } from './onboard.ts';
import { failureOf, reasonOf, type Scenario, startScenario } from './start_scenario.ts';

const OWN_CALLBACK = 'http://localhost:3000/microsoft/callback';
const DAY = 86_400_000;
const { PENDING, ACTIVE } = Connection_State;

let scenario: Scenario;
let tenant: Onboarded;
beforeAll(async () => {
  scenario = await startScenario();
  // An app whose publisher nobody verified, of another directory than its users'.
  tenant = await onboard(scenario, 'acme', {
    entra: { displayName: 'Acme Mail', redirectUris: [scenario.callbackUri, OWN_CALLBACK] },
    app: { redirectUris: [scenario.callbackUri, OWN_CALLBACK] },
    tenant: { displayName: 'Acme Inc.' },
  });
});
afterAll(() => scenario.close());

/** A directory whose users may consent to verified publishers only, and two of them. */
function carefulDirectory(name: string) {
  const directory = scenario.sandbox.addDirectory({ domain: `${name}.example`, userConsent: 'verified' });
  const users = ['eva', 'max'].map((user) => `${user}@${name}.example`);
  for (const username of users) scenario.sandbox.addUser({ username, directoryId: directory.id });
  const [eva = '', max = ''] = users;
  return { id: directory.id, eva, max };
}

const startSignIn = (id: string, more: object = { autoConfirm: true }) =>
  scenario.connections.startAuthorization({ connection: tenant.connection(id), scopes: ['Mail.ReadOnly'], ...more });
const startConsent = (more: object = {}) => scenario.connections.startAdminConsent({ parent: tenant.name, ...more });
const stateOf = async (id: string) =>
  (await scenario.connections.getConnection({ name: tenant.connection(id) })).connection?.state;

async function connects(id: string, username: string) {
  const { connectUri } = await startSignIn(id);
  await scenario.browser.walk(connectUri, { as: username });
  return stateOf(id);
}

/** The link for an administrator that a page tells. */
function linkOn(page: string): string {
  const [link = ''] = new RegExp(`${scenario.publicUrl}/admin-consent/[\\w-]{43}`).exec(page) ?? [];
  expect(link).not.toBe('');
  return link;
}

/** Anybody can send such an answer to the callback. */
function forge(adminConsentUri: string, directoryId: string) {
  const address = new URL(scenario.callbackUri);
  const state = new URL(adminConsentUri).searchParams.get('state') ?? '';
  address.search = String(new URLSearchParams({ admin_consent: 'True', tenant: directoryId, state }));
  return fetch(address, { redirect: 'manual' });
}

const audited = () =>
  readFileSync(join(scenario.folder, 'audit.jsonl'), 'utf8')
    .split('\n')
    .filter((line) => line.includes('web/admin-consent'));

describe('in a directory whose users may not consent to an app like this', () => {
  test('the page has a link for an administrator, after whose consent every user can connect', async () => {
    const { id, eva, max } = carefulDirectory('careful');
    const { connectUri } = await startSignIn('eva');
    const stopped = await scenario.browser.walk(connectUri, { as: eva });
    expect([stopped.status, await stateOf('eva')]).toEqual([400, PENDING]);

    const link = linkOn(stopped.text);
    for (let scans = 0; scans < 3; scans += 1) {
      const page = await (await fetch(link)).text();
      for (const said of ['Acme', 'Read your mail', 'Stay connected when you are away']) expect(page).toContain(said);
    }
    expect(await connects('max', max)).toBe(PENDING);

    const approved = await scenario.browser.walk(link, { as: id });
    expect([approved.status, approved.text]).toEqual([200, expect.stringContaining('Approved')]);
    expect(await connects('eva', eva)).toBe(ACTIVE);
    expect(await connects('max', max)).toBe(ACTIVE);
    const request = { connection: tenant.connection('max'), scopes: ['Mail.ReadOnly'] };
    const { accessToken } = await scenario.tokens.getAccessToken(request);
    expect(await scenario.use('/graph/v1.0/me/messages', accessToken)).toBe(200);

    const over = await scenario.browser.walk(link, { as: id });
    expect(over.status).toBe(404);
    expect(audited().at(-1)).toContain('"status":"OK"');
  });

  test('the same applies if Entra requests the approval of an administrator by code (90094)', async () => {
    const { id, eva } = carefulDirectory('numbered');
    const { connectUri } = await startSignIn('numbered');
    scenario.sandbox.injectFault({ endpoint: 'authorize', kind: 'error', code: 90094, count: 1 });
    const stopped = await scenario.browser.walk(connectUri, { as: eva });
    expect(stopped.text).toContain('administrator must approve');
    expect((await scenario.browser.walk(linkOn(stopped.text), { as: id })).status).toBe(200);
    expect(await connects('numbered', eva)).toBe(ACTIVE);
  });

  test('a product with its own callback gets the admin consent URL with the error', async () => {
    const { id, eva } = carefulDirectory('handed');
    const { authorizationUri } = await startSignIn('handed', { redirectUri: OWN_CALLBACK });
    const { url } = await scenario.browser.walk(authorizationUri, { as: eva });
    const refused = await failureOf(
      scenario.connections.completeAuthorization({
        connection: tenant.connection('handed'),
        state: url.searchParams.get('state') ?? '',
        answer: { case: 'error', value: { error: url.searchParams.get('error') ?? '' } },
      }),
    );
    const approved = await scenario.browser.walk(refused?.metadata['adminConsentUri'] ?? '', { as: id });
    expect(approved.status).toBe(200);
    expect(await connects('handed', eva)).toBe(ACTIVE);
  });
});

describe('an admin consent that an operator or a product requests', () => {
  test('leads back to the product with the id of the app', async () => {
    const { id, eva } = carefulDirectory('asked');
    const { consentUri } = await startConsent({ scopes: ['Mail.ReadOnly'], returnUrl: RETURN_URL, directoryId: id });
    const { url } = await scenario.browser.walk(consentUri, { as: id });
    expect(`${url.origin}${url.pathname}`).toBe(RETURN_URL);
    expect(Object.fromEntries(url.searchParams)).toEqual({ app: tenant.app, outcome: 'granted' });
    expect(await connects('asked', eva)).toBe(ACTIVE);
  });

  test('that was declined changes nothing, and its link can still be approved', async () => {
    const { id, eva } = carefulDirectory('declined');
    const { consentUri } = await startConsent({ returnUrl: RETURN_URL });
    const { url } = await scenario.browser.walk(consentUri, { as: id, declines: true });
    expect(url.searchParams.get('outcome')).toBe('authorization_declined');
    expect(await connects('declined', eva)).toBe(PENDING);
    const again = await scenario.browser.walk(consentUri, { as: id });
    expect(again.url.searchParams.get('outcome')).toBe('granted');
  });

  test('from another directory than the requested one is rejected, and the right one still works', async () => {
    const { id } = carefulDirectory('named');
    const { consentUri, adminConsentUri } = await startConsent({ directoryId: id });
    expect((await forge(adminConsentUri, CONTOSO)).status).toBe(400);
    expect(audited().at(-1)).toContain('"status":"DIRECTORY_NOT_ALLOWED"');
    expect((await scenario.browser.walk(consentUri, { as: id })).status).toBe(200);
  });

  test('is not trusted from the browser: nothing is granted, and no state changes', async () => {
    const { id, eva } = carefulDirectory('forged');
    const { adminConsentUri } = await startConsent();
    const answer = await forge(adminConsentUri, id);
    expect([answer.status, await answer.text()]).toEqual([400, expect.stringContaining('Not approved yet')]);
    expect(audited().at(-1)).toContain('"status":"ADMIN_CONSENT_REQUIRED"');
    expect(await connects('forged', eva)).toBe(PENDING);
    const { app } = await scenario.apps.getApp({ name: tenant.app });
    expect(app).toMatchObject({ state: App_State.OK, failingDirectories: [] });
  });

  test('expires with its link', async () => {
    const { id } = carefulDirectory('late');
    const { consentUri, adminConsentUri } = await startConsent();
    await scenario.later(8 * DAY);
    expect((await fetch(consentUri)).status).toBe(404);
    expect((await scenario.browser.walk(adminConsentUri, { as: id })).status).toBe(400);
  });

  test.each([
    ['parent', { parent: 'acme' }, 'NAME_INVALID'],
    ['directory_id', { directoryId: 'careful.example' }, 'FIELD_INVALID'],
    ['return_url', { returnUrl: 'https://evil.example/' }, 'FIELD_INVALID'],
    ['scopes', { scopes: ['Mail.Reed'] }, 'SCOPE_UNKNOWN'],
    ['tenant', { parent: 'tenants/nobody' }, 'TENANT_NOT_FOUND'],
  ])('with a bad %s is refused', async (_, request, reason) => {
    expect(await reasonOf(startConsent(request))).toBe(reason);
  });
});
