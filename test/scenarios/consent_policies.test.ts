import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Connection_State } from '../../src/gen/tokenvault/v1/connection_pb.ts';
import type { UserConsent } from '../../src/sandbox/state/entra_directories.ts';
import { type Onboarded, onboard, RETURN_URL } from './onboard.ts';
import { type Scenario, startScenario } from './start_scenario.ts';

const GRAPH = 'https://graph.microsoft.com';
const { PENDING, ACTIVE } = Connection_State;

let scenario: Scenario;
let tenant: Onboarded;
beforeAll(async () => {
  scenario = await startScenario({ sandbox: { userConsent: 'managed' } });
  tenant = await onboard(scenario, 'acme', {});
});
afterAll(() => scenario.close());

/** A directory with this policy, and one of its users. */
function directoryWith(userConsent: UserConsent, name: string = userConsent) {
  const { id } = scenario.sandbox.addDirectory({ domain: `${name}.example`, userConsent });
  return { id, user: scenario.sandbox.addUser({ username: `eva@${name}.example` }).username };
}

const start = (id: string, scopes: string[], more: object = { autoConfirm: true }) =>
  scenario.connections.startAuthorization({ connection: tenant.connection(id), scopes, ...more });

async function walk(id: string, username: string, scopes = ['Mail.ReadOnly']) {
  const { connectUri } = await start(id, scopes);
  const { status, text } = await scenario.browser.walk(connectUri, { as: username });
  const { connection } = await scenario.connections.getConnection({ name: tenant.connection(id) });
  return { status, text, state: connection?.state };
}

/** What Entra shows a user who presses "accept"; an automatic sign-in leaves its pages out. */
async function pageOfEntra(authorizationUri: string, username: string): Promise<string> {
  const page = await (await fetch(authorizationUri)).text();
  const [, objectId = ''] = new RegExp(`value="([^"]+)"[^>]*> [^<]*&lt;${username}&gt;`).exec(page) ?? [];
  const body = new URLSearchParams({ account: objectId, decision: 'accept' });
  return (await fetch(authorizationUri, { method: 'POST', body, redirect: 'manual' })).text();
}

describe.each(['managed', 'none', 'verified'] as const)('in a directory with the policy %s', (policy) => {
  test('the product has the link, Entra stops the user, and after the approval they connect at once', async () => {
    const { id, user } = directoryWith(policy);
    const started = await start(policy, ['Mail.ReadOnly']);
    expect(started).toMatchObject({ adminConsentLikely: true });
    expect(started.adminConsentPermissions).toEqual([`${GRAPH}/Mail.Read`, `${GRAPH}/MailboxSettings.Read`]);
    expect(await (await fetch(started.connectUri)).text()).toContain(started.adminConsentUri);
    expect(await pageOfEntra(started.authorizationUri, user)).toContain('Need admin approval');

    const stopped = await walk(policy, user);
    expect([stopped.status, stopped.state]).toEqual([400, PENDING]);
    expect(stopped.text.indexOf('/admin-consent/')).toBeGreaterThan(0);

    const approved = await scenario.browser.walk(started.adminConsentUri, { as: id });
    expect([approved.status, approved.text]).toEqual([200, expect.stringContaining('Approved')]);
    expect(await walk(policy, user)).toMatchObject({ state: ACTIVE });
  });

  test('the back end of the product learns that the user was stopped', async () => {
    const { user } = directoryWith(policy, `${policy}-back`);
    const { connectUri } = await start(`${policy}-back`, ['Mail.ReadOnly'], { returnUrl: RETURN_URL });
    const { url } = await scenario.browser.walk(connectUri, { as: user });
    expect(url.searchParams.get('outcome')).toBe('authorization_declined');
  });
});

test('in a directory with the policy legacy, users connect by themselves, although the start names the link', async () => {
  const { user } = directoryWith('legacy');
  expect((await start('legacy', ['Mail.ReadOnly'])).adminConsentLikely).toBe(true);
  expect(await walk('legacy', user)).toMatchObject({ state: ACTIVE });
  expect(await start('legacy', ['Mail.ReadOnly'])).toMatchObject({ adminConsentLikely: false, adminConsentUri: '' });
});

test('with the policy managed, users connect by themselves for what the policy leaves to them', async () => {
  const { user } = directoryWith('managed', 'modest');
  const modest = await onboard(scenario, 'modest', { app: { implicitPermissions: ['openid', 'User.Read'] } });
  const connection = modest.connection('eva');
  const request = { connection, scopes: ['Contacts.ReadOnly'], autoConfirm: true };
  const { connectUri, adminConsentLikely, warnings } = await scenario.connections.startAuthorization(request);
  expect([adminConsentLikely, warnings]).toEqual([false, []]);
  await scenario.browser.walk(connectUri, { as: user });
  const found = await scenario.connections.getConnection({ name: connection });
  expect(found.connection?.state).toBe(ACTIVE);
});

test('where an app requires assignment, users never consent, and an administrator approves and assigns', async () => {
  const { id, user } = directoryWith('legacy', 'assigned');
  scenario.sandbox.requireDirectoryPolicy(id, { code: 50105, clientId: tenant.clientId });
  const { adminConsentUri, authorizationUri } = await start('assigned', ['Mail.ReadOnly']);
  expect(await pageOfEntra(authorizationUri, user)).toContain('Need admin approval');
  expect((await walk('assigned', user)).text).toContain('/admin-consent/');
  scenario.sandbox.grantAdminConsent(id, tenant.clientId, ['Mail.Read', 'MailboxSettings.Read', 'User.Read', 'openid']);
  const again = await start('assigned', ['Mail.ReadOnly']);
  expect(await pageOfEntra(again.authorizationUri, user)).toContain('50105');
  scenario.sandbox.liftDirectoryPolicy(id);
  expect((await scenario.browser.walk(adminConsentUri, { as: id })).status).toBe(200);
  expect(await walk('assigned', user)).toMatchObject({ state: ACTIVE });
});

test('the preset aurinko with Contacts.ReadOnly alone: MailboxSettings.Read needs the administrator', async () => {
  const { warnings } = await scenario.scopes.translateScopes({ catalog: 'aurinko', scopes: ['Contacts.ReadOnly'] });
  const { adminConsentPermissions, warnings: ofStart } = await start('contacts', ['Contacts.ReadOnly']);
  expect(adminConsentPermissions).toEqual([`${GRAPH}/MailboxSettings.Read`]);
  const expected =
    /MailboxSettings\.Read alone .*implicit_permissions .* offline_access, openid, email, profile, User\.Read/;
  for (const warning of [warnings, ofStart]) expect(warning).toEqual([expect.stringMatching(expected)]);
});
