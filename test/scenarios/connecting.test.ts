import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TokenSource } from '../../src/gen/tokenvault/v1/access_token_pb.ts';
import { Connection_State } from '../../src/gen/tokenvault/v1/connection_pb.ts';
import { ImportConnectionRequest_Verify } from '../../src/gen/tokenvault/v1/connection_service_pb.ts';
import { CONTOSO, FABRIKAM } from '../../src/sandbox/state/seed_data.ts';
import { CONTOSO_USER as ADA, connectByPage, importAda, type Onboarded, onboard, RETURN_URL } from './onboard.ts';
import { failureOf, reasonOf, type Scenario, startScenario } from './start_scenario.ts';

const GRACE = 'grace@contoso.example';
const ALAN = 'alan@fabrikam.example';
const OWN_CALLBACK = 'http://localhost:3000/microsoft/callback';
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

let scenario: Scenario;
let tenant: Onboarded;
beforeAll(async () => {
  scenario = await startScenario();
  tenant = await onboard(scenario, 'acme', {
    entra: { redirectUris: [scenario.callbackUri, OWN_CALLBACK] },
    app: { redirectUris: [scenario.callbackUri, OWN_CALLBACK] },
  });
});
afterAll(() => scenario.close());

const start = (connection: string, more: object = { returnUrl: RETURN_URL }) =>
  scenario.connections.startAuthorization({ connection, scopes: ['Mail.ReadOnly'], ...more });
const confirm = (connection: string, confirmation: string | null) =>
  scenario.connections.confirmAuthorization({ connection, confirmation: confirmation ?? '' });
const complete = (connection: string, url: URL) =>
  scenario.connections.completeAuthorization({
    connection,
    state: url.searchParams.get('state') ?? '',
    answer: { case: 'code', value: url.searchParams.get('code') ?? '' },
  });
const token = (connection: string) => scenario.tokens.getAccessToken({ connection, scopes: ['Mail.ReadOnly'] });
const stateOf = async (name: string) => (await scenario.connections.getConnection({ name })).connection?.state;

describe('connecting by the connect page', () => {
  test('the browser returns with a confirmation, and the product confirms the grant', async () => {
    const connection = tenant.connection('page');
    const { connectUri } = await start(connection);
    expect(await stateOf(connection)).toBe(Connection_State.PENDING);
    expect(await reasonOf(token(connection))).toBe('CONNECTION_PENDING');

    const { url } = await scenario.browser.walk(connectUri, { as: ADA });
    expect(url.href.startsWith(RETURN_URL)).toBe(true);
    expect(url.searchParams.get('outcome')).toBe('granted');
    expect(url.searchParams.get('connection')).toBe(connection);
    expect(await reasonOf(token(connection))).toBe('CONNECTION_PENDING');

    const confirmed = await confirm(connection, url.searchParams.get('confirmation'));
    expect(confirmed.connection).toMatchObject({ state: Connection_State.ACTIVE, account: { username: ADA } });
    expect(await scenario.use('/graph/v1.0/me/messages', (await token(connection)).accessToken)).toBe(200);
  });

  test('opening the page consumes nothing, so that mail scanners can do it', async () => {
    const connection = tenant.connection('scanned');
    const { connectUri } = await start(connection);

    for (let visit = 0; visit < 3; visit++) expect((await fetch(connectUri)).status).toBe(200);
    const { url } = await scenario.browser.walk(connectUri, { as: ADA });

    expect(url.searchParams.get('outcome')).toBe('granted');
  });

  test('the page names the product and its scopes, and cannot be framed or cached', async () => {
    const { connectUri } = await start(tenant.connection('described'));

    const page = await fetch(connectUri);
    const text = await page.text();

    expect(text).toContain('acme');
    expect(text).toMatch(/read your mail/i);
    expect(page.headers.get('cache-control')).toContain('no-store');
    expect(page.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    expect(page.headers.get('referrer-policy')).toBe('no-referrer');
  });

  test('auto_confirm completes at the callback', async () => {
    const connection = tenant.connection('auto');
    const { connectUri } = await start(connection, { autoConfirm: true });

    const { status, text } = await scenario.browser.walk(connectUri, { as: ADA });

    expect(status).toBe(200);
    expect(text).toContain('Connected');
    expect(await stateOf(connection)).toBe(Connection_State.ACTIVE);
    expect(await reasonOf(token(connection))).toBe('OK');
  });

  test("the product's own callback hands over state and code", async () => {
    const connection = tenant.connection('own');
    const { authorizationUri } = await start(connection, { redirectUri: OWN_CALLBACK });

    const { url } = await scenario.browser.walk(authorizationUri, { as: ADA });
    expect(url.href.startsWith(OWN_CALLBACK)).toBe(true);
    const { connection: completed } = await complete(connection, url);

    expect(completed?.state).toBe(Connection_State.ACTIVE);
    expect(await reasonOf(token(connection))).toBe('OK');
  });

  test('the way of completion is required', async () => {
    expect(await reasonOf(start(tenant.connection('endless'), {}))).toBe('FIELD_INVALID');
    expect(await reasonOf(scenario.connections.getConnection({ name: tenant.connection('endless') }))).toBe(
      'CONNECTION_NOT_FOUND',
    );
  });
});

describe('declined by the user or the directory', () => {
  test('cancel: declined, and nothing is granted', async () => {
    const connection = tenant.connection('declined');
    const { connectUri } = await start(connection);

    const { url } = await scenario.browser.walk(connectUri, { as: ADA, declines: true });

    expect(url.searchParams.get('outcome')).toBe('authorization_declined');
    expect(url.searchParams.has('confirmation')).toBe(false);
    expect(await stateOf(connection)).toBe(Connection_State.PENDING);
  });

  test("cancel at the product's own callback", async () => {
    const connection = tenant.connection('declined-own');
    const { authorizationUri } = await start(connection, { redirectUri: OWN_CALLBACK });
    const { url } = await scenario.browser.walk(authorizationUri, { as: ADA, declines: true });
    const hand = () =>
      scenario.connections.completeAuthorization({
        connection,
        state: url.searchParams.get('state') ?? '',
        answer: { case: 'error', value: { error: url.searchParams.get('error') ?? '', errorSubcode: 'cancel' } },
      });

    expect(await reasonOf(hand())).toBe('AUTHORIZATION_DECLINED');
    expect(await reasonOf(hand())).toBe('STATE_INVALID');
  });

  test('a directory without user consent: connecting works after admin consent', async () => {
    const directory = scenario.sandbox.addDirectory({ domain: 'strict.example', userConsent: 'none' });
    const { username } = scenario.sandbox.addUser({ username: 'eva@strict.example', directoryId: directory.id });
    const connection = tenant.connection('admin');

    // Entra's page "Need admin approval" leads back exactly as its Cancel does.
    const first = await scenario.browser.walk((await start(connection)).connectUri, { as: username });
    expect(first.url.searchParams.get('outcome')).toBe('authorization_declined');

    const permissions = ['User.Read', 'MailboxSettings.Read', 'Mail.Read'];
    scenario.sandbox.grantAdminConsent(directory.id, tenant.clientId, permissions);
    const second = await scenario.browser.walk((await start(connection)).connectUri, { as: username });
    expect(second.url.searchParams.get('outcome')).toBe('granted');
  });

  test('an account of a directory that the tenant does not allow is rejected', async () => {
    const guarded = await onboard(scenario, 'guarded', { tenant: { allowedDirectoryIds: [CONTOSO] } });
    const connection = guarded.connection('alan');

    const { url } = await scenario.browser.walk((await start(connection)).connectUri, { as: ALAN });

    expect(url.searchParams.get('outcome')).toBe('directory_not_allowed');
    expect(await stateOf(connection)).toBe(Connection_State.PENDING);
  });

  test('a missing refresh token (no offline_access at Entra) is reported', async () => {
    const connection = tenant.connection('fleeting');
    const { authorizationUri } = await start(connection, { redirectUri: OWN_CALLBACK });
    const address = new URL(authorizationUri);
    const scopes = address.searchParams.get('scope')?.split(' ') ?? [];
    address.searchParams.set('scope', scopes.filter((scope) => scope !== 'offline_access').join(' '));

    const { url } = await scenario.browser.walk(address.href, { as: ADA });

    expect(await reasonOf(complete(connection, url))).toBe('NO_REFRESH_TOKEN');
    expect(await stateOf(connection)).toBe(Connection_State.PENDING);
  });
});

describe('single use', () => {
  test('of a confirmation', async () => {
    const connection = tenant.connection('once');
    const { url } = await scenario.browser.walk((await start(connection)).connectUri, { as: ADA });
    const confirmation = url.searchParams.get('confirmation');

    expect(await reasonOf(confirm(connection, confirmation))).toBe('OK');
    expect(await reasonOf(confirm(connection, confirmation))).toBe('STATE_INVALID');
  });

  test('of a code with its state', async () => {
    const connection = tenant.connection('replayed');
    const { authorizationUri } = await start(connection, { redirectUri: OWN_CALLBACK });
    const { url } = await scenario.browser.walk(authorizationUri, { as: ADA });

    expect(await reasonOf(complete(connection, url))).toBe('OK');
    expect(await reasonOf(complete(connection, url))).toBe('STATE_INVALID');
    expect(await reasonOf(token(connection))).toBe('OK');
  });

  test('two simultaneous calls with the same response: one succeeds, and the code is redeemed once', async () => {
    const connection = tenant.connection('raced');
    const { authorizationUri } = await start(connection, { redirectUri: OWN_CALLBACK });
    const { url } = await scenario.browser.walk(authorizationUri, { as: ADA });
    const before = scenario.asked(tenant.clientId, 'authorization_code').length;

    const outcomes = await Promise.all([1, 2].map(() => reasonOf(complete(connection, url))));

    expect(outcomes.toSorted()).toEqual(['OK', 'STATE_INVALID']);
    expect(scenario.asked(tenant.clientId, 'authorization_code')).toHaveLength(before + 1);
  });

  test('a repeated callback shows the first outcome, without the confirmation', async () => {
    const connection = tenant.connection('reloaded');
    const { authorizationUri } = await start(connection);
    const address = new URL(authorizationUri);
    address.searchParams.set('sandbox_auto', ADA);
    const back = await fetch(address, { redirect: 'manual' });
    const callback = back.headers.get('location') ?? '';

    const visit = async () => new URL((await fetch(callback, { redirect: 'manual' })).headers.get('location') ?? '');
    const first = await visit();
    const second = await visit();

    expect(first.searchParams.has('confirmation')).toBe(true);
    expect(second.searchParams.get('outcome')).toBe('granted');
    expect(second.searchParams.has('confirmation')).toBe(false);
  });
});

describe('of another connection,', () => {
  test('a state is rejected and consumed', async () => {
    const mine = tenant.connection('mine');
    const theirs = tenant.connection('theirs');
    await start(mine, { redirectUri: OWN_CALLBACK });
    const { authorizationUri } = await start(theirs, { redirectUri: OWN_CALLBACK });
    const { url } = await scenario.browser.walk(authorizationUri, { as: GRACE });

    expect(await reasonOf(complete(mine, url))).toBe('STATE_INVALID');
    expect(await stateOf(mine)).toBe(Connection_State.PENDING);
    expect(await stateOf(theirs)).toBe(Connection_State.PENDING);
  });

  test('a confirmation is rejected: a link that another user followed connects no account', async () => {
    const attacker = tenant.connection('attacker');
    const victim = tenant.connection('victim');
    await start(victim);
    const { url } = await scenario.browser.walk((await start(attacker)).connectUri, { as: GRACE });

    expect(await reasonOf(confirm(victim, url.searchParams.get('confirmation')))).toBe('STATE_INVALID');
    expect(await stateOf(attacker)).toBe(Connection_State.PENDING);
  });

  test('a state of another tenant is rejected', async () => {
    const other = await onboard(scenario, 'neighbour');
    const { authorizationUri } = await start(tenant.connection('here'), { redirectUri: OWN_CALLBACK });
    const { url } = await scenario.browser.walk(authorizationUri, { as: ADA });
    await start(other.connection('here'), { returnUrl: RETURN_URL });

    expect(await reasonOf(complete(other.connection('here'), url))).toBe('STATE_INVALID');
  });
});

describe('expiry', () => {
  test('of a state after 10 minutes; the link is still valid', async () => {
    const connection = tenant.connection('slow');
    const { connectUri, authorizationUri } = await start(connection);
    await scenario.later(11 * MINUTE);

    const late = await scenario.browser.walk(authorizationUri, { as: ADA });
    expect(late.status).toBe(400);
    expect(late.url.pathname).toBe('/oauth2/callback');

    const again = await scenario.browser.walk(connectUri, { as: ADA });
    expect(again.url.searchParams.get('outcome')).toBe('granted');
  });

  test('of a state at the callback of the product', async () => {
    const connection = tenant.connection('slow-own');
    const { authorizationUri } = await start(connection, { redirectUri: OWN_CALLBACK });
    const { url } = await scenario.browser.walk(authorizationUri, { as: ADA });
    await scenario.later(11 * MINUTE);

    expect(await reasonOf(complete(connection, url))).toBe('STATE_INVALID');
  });

  test('of a link after a day', async () => {
    const { connectUri } = await start(tenant.connection('tomorrow'));
    await scenario.later(25 * HOUR);

    expect((await fetch(connectUri)).status).toBe(404);
    expect((await fetch(connectUri, { method: 'POST', redirect: 'manual' })).status).toBe(404);
  });

  test('of a confirmation after 10 minutes', async () => {
    const connection = tenant.connection('forgotten');
    const { url } = await scenario.browser.walk((await start(connection)).connectUri, { as: ADA });
    await scenario.later(11 * MINUTE);

    expect(await reasonOf(confirm(connection, url.searchParams.get('confirmation')))).toBe('STATE_INVALID');
    expect(await stateOf(connection)).toBe(Connection_State.PENDING);
  });
});

describe('reconnecting', () => {
  test('uses the old grant until the new one is confirmed', async () => {
    const connection = await connectByPage(scenario, tenant, 'again');
    const old = await token(connection);

    const { connectUri } = await start(connection, { returnUrl: RETURN_URL, scopes: ['Mail.Send'] });
    expect((await token(connection)).source).toBe(TokenSource.CACHE);
    const { url } = await scenario.browser.walk(connectUri, { as: ADA });
    expect((await token(connection)).accessToken).toBe(old.accessToken);

    const { connection: swapped } = await confirm(connection, url.searchParams.get('confirmation'));
    expect(swapped?.scopes).toEqual(['Mail.Send']);
    const fresh = await scenario.tokens.getAccessToken({ connection });
    expect(fresh.accessToken).not.toBe(old.accessToken);
  });

  test('changes nothing if the user declines', async () => {
    const connection = await connectByPage(scenario, tenant, 'kept');
    const old = await token(connection);

    await scenario.browser.walk((await start(connection)).connectUri, { as: ADA, declines: true });

    expect(await stateOf(connection)).toBe(Connection_State.ACTIVE);
    expect((await token(connection)).accessToken).toBe(old.accessToken);
  });

  test('rejects another account unless the change is allowed', async () => {
    const connection = await connectByPage(scenario, tenant, 'swapped');

    const refused = await scenario.browser.walk((await start(connection)).connectUri, { as: GRACE });
    expect(refused.url.searchParams.get('outcome')).toBe('account_mismatch');
    expect(await reasonOf(token(connection))).toBe('OK');

    const { connectUri } = await start(connection, { returnUrl: RETURN_URL, allowAccountChange: true });
    const { url } = await scenario.browser.walk(connectUri, { as: GRACE });
    const { connection: changed } = await confirm(connection, url.searchParams.get('confirmation'));
    expect(changed?.account?.username).toBe(GRACE);
  });

  test('restores a connection whose sessions were revoked', async () => {
    const own = await onboard(scenario, 'waking');
    const user = scenario.sandbox.addUser({ username: 'wake@contoso.example' }).username;
    const connection = await connectByPage(scenario, own, 'wake', { user });
    scenario.sandbox.revokeSessions(user);
    await scenario.later(2 * HOUR);
    expect(await reasonOf(token(connection))).toBe('REAUTHORIZATION_REQUIRED');

    await connectByPage(scenario, own, 'wake', { user });

    expect(await stateOf(connection)).toBe(Connection_State.ACTIVE);
    expect(await reasonOf(token(connection))).toBe('OK');
  });
});

describe('finding connections', () => {
  const list = async (filter: object, parent = tenant.name) => {
    const { connections } = await scenario.connections.listConnections({ parent, ...filter });
    return connections.map(({ name }) => name);
  };

  test('by external id and by account, in one tenant and in all', async () => {
    const own = await onboard(scenario, 'finding');
    const { objectId, username } = scenario.sandbox.addUser({
      username: 'found@contoso.example',
      mail: 'Found.Me@contoso.example',
    });
    const connection = await connectByPage(scenario, own, 'found', { user: username });
    await scenario.connections.updateConnection({ connection: { name: connection, externalId: 'workspace-1' } });

    expect(await list({ externalId: 'workspace-1' }, own.name)).toEqual([connection]);
    expect(await list({ objectId: objectId.toUpperCase() }, 'tenants/-')).toEqual([connection]);
    expect(await list({ objectId, directoryId: CONTOSO }, own.name)).toEqual([connection]);
    expect(await list({ objectId, directoryId: FABRIKAM }, own.name)).toEqual([]);
    expect(await list({ objectId })).toEqual([]);
    const { connection: found } = await scenario.connections.getConnection({ name: connection });
    expect(found?.account).toMatchObject({ objectId, username, email: 'Found.Me@contoso.example' });
  });

  test('an external id belongs to one connection of the tenant, and a conflict names it', async () => {
    const first = tenant.connection('first');
    await start(first, { returnUrl: RETURN_URL, externalId: 'workspace-2' });
    const second = tenant.connection('second');
    const refusal = await failureOf(start(second, { returnUrl: RETURN_URL, externalId: 'workspace-2' }));

    expect(refusal).toMatchObject({
      code: 'ALREADY_EXISTS',
      reason: 'CONNECTION_EXISTS',
      metadata: { field: 'external_id', resource: first },
    });
    expect(await reasonOf(scenario.connections.getConnection({ name: second }))).toBe('CONNECTION_NOT_FOUND');
    const freed = { connection: { name: first, externalId: '' }, updateMask: { paths: ['external_id'] } };
    await scenario.connections.updateConnection(freed);
    expect(await reasonOf(start(second, { returnUrl: RETURN_URL, externalId: 'workspace-2' }))).toBe('OK');
  });
});

describe('importing', () => {
  const refreshToken = (
    user = ADA,
    scopes = 'openid profile offline_access User.Read MailboxSettings.Read Mail.Read',
  ) => scenario.sandbox.issueRefreshToken({ clientId: tenant.clientId, userObjectId: user, scopes });
  const take = (connection: string, more: object = {}) =>
    scenario.connections.importConnection({
      connection,
      scopes: ['Mail.ReadOnly'],
      refreshToken: refreshToken(),
      ...more,
    });

  test('NOW redeems the token before the import, and returns its account', async () => {
    const { connection } = await take(tenant.connection('import-now'));

    expect(connection).toMatchObject({
      state: Connection_State.ACTIVE,
      account: { username: ADA, directoryId: CONTOSO },
    });
    expect(connection?.verifyTime).toBeDefined();
    expect(await reasonOf(token(tenant.connection('import-now')))).toBe('OK');
  });

  test('NOW rejects expired tokens, tokens of other clients and missing consent, and stores nothing', async () => {
    const other = await onboard(scenario, 'foreign');
    const foreign = scenario.sandbox.issueRefreshToken({
      clientId: other.clientId,
      userObjectId: ADA,
      scopes: 'openid offline_access Mail.Read',
    });
    const name = tenant.connection('import-bad');

    expect(await reasonOf(take(name, { refreshToken: 'not-a-refresh-token' }))).toBe('REFRESH_TOKEN_REJECTED');
    // It may pass, as far as Entra's answer says: a second one, a minute later, rejects the token.
    expect(await reasonOf(take(name, { refreshToken: foreign }))).toBe('ENTRA_UNAVAILABLE');
    expect(await reasonOf(take(name, { account: { directoryId: FABRIKAM } }))).not.toBe('OK');
    expect(await reasonOf(take(name, { account: { directoryId: CONTOSO, username: GRACE } }))).toBe('ACCOUNT_MISMATCH');
    expect(await reasonOf(scenario.connections.getConnection({ name }))).toBe('CONNECTION_NOT_FOUND');
  });

  test('validate_only returns the result without storing it or contacting Entra', async () => {
    const name = tenant.connection('import-dry');
    const before = scenario.asked(tenant.clientId).length;

    const { connection } = await take(name, { validateOnly: true, externalId: 'dry-1' });
    expect(connection).toMatchObject({ name, externalId: 'dry-1', state: Connection_State.ACTIVE });
    expect(connection?.verifyTime).toBeUndefined();
    expect(await reasonOf(scenario.connections.getConnection({ name }))).toBe('CONNECTION_NOT_FOUND');
    expect(scenario.asked(tenant.clientId)).toHaveLength(before);
    expect(await reasonOf(take(name, { externalId: 'dry-1' }))).toBe('OK');
    expect(await reasonOf(take(name, { validateOnly: true }))).toBe('CONNECTION_EXISTS');
  });

  test('ON_FIRST_USE does not contact Entra before the first token', async () => {
    const name = tenant.connection('import-later');
    const before = scenario.asked(tenant.clientId).length;

    const { connection } = await take(name, { verify: ImportConnectionRequest_Verify.ON_FIRST_USE });
    expect(connection?.state).toBe(Connection_State.ACTIVE);
    expect(connection?.verifyTime).toBeUndefined();
    expect(scenario.asked(tenant.clientId)).toHaveLength(before);

    expect(await reasonOf(token(name))).toBe('OK');
    const { connection: after } = await scenario.connections.getConnection({ name });
    expect(after?.verifyTime).toBeDefined();
    expect(after?.account?.username).toBe(ADA);
  });

  test('ON_FIRST_USE detects the token of another account at the first token', async () => {
    const name = tenant.connection('import-wrong');
    const { objectId } = scenario.sandbox.addUser({ username: 'said@contoso.example' });
    await take(name, {
      verify: ImportConnectionRequest_Verify.ON_FIRST_USE,
      account: { directoryId: CONTOSO, objectId },
    });

    expect(await reasonOf(token(name))).toBe('ACCOUNT_MISMATCH');
    expect(await stateOf(name)).toBe(Connection_State.REAUTHORIZATION_REQUIRED);
  });

  test('replaces the grant of a connection only on request', async () => {
    const name = await importAda(scenario, tenant, 'import-twice');

    expect(await reasonOf(take(name))).toBe('CONNECTION_EXISTS');
    expect(await reasonOf(take(name, { allowReplace: true }))).toBe('OK');
    expect(await reasonOf(take(name, { allowReplace: true, refreshToken: refreshToken(GRACE) }))).toBe(
      'ACCOUNT_MISMATCH',
    );
  });

  test('stores the external id of the product', async () => {
    await take(tenant.connection('import-found'), { externalId: 'workspace-7', labels: { plan: 'pro' } });
    const find = async (filter: object) =>
      (await scenario.connections.listConnections({ parent: tenant.name, ...filter })).connections.map(
        ({ name }) => name,
      );

    expect(await find({ externalId: 'workspace-7' })).toEqual([tenant.connection('import-found')]);
    expect(await find({ label: 'plan=pro' })).toEqual([tenant.connection('import-found')]);
    expect(await find({ username: ADA.toUpperCase() })).toContain(tenant.connection('import-found'));
    expect(await find({ externalId: 'workspace-8' })).toEqual([]);
  });
});

describe("another tenant's app", () => {
  const link = (owner: Onboarded, guest: Onboarded) =>
    start(guest.connection('ada'), { app: owner.app, returnUrl: RETURN_URL });

  test('connects tenants that it is shared with, until it is no longer shared', async () => {
    const owner = await onboard(scenario, 'global-app');
    const guest = await onboard(scenario, 'bot-one');
    expect(await reasonOf(link(owner, guest))).toBe('APP_NOT_FOUND');

    await scenario.apps.updateApp({ app: { name: owner.app, sharedWith: [guest.name] } });
    const { connectUri } = await link(owner, guest);
    const { url } = await scenario.browser.walk(connectUri, { as: ADA });
    await confirm(guest.connection('ada'), url.searchParams.get('confirmation'));
    expect(await reasonOf(token(guest.connection('ada')))).toBe('OK');

    const unshare = scenario.apps.updateApp({ app: { name: owner.app }, updateMask: { paths: ['shared_with'] } });
    expect(await reasonOf(unshare)).toBe('APP_IN_USE');
    await scenario.tenants.suspendTenant({ name: owner.name });
    expect(await reasonOf(token(guest.connection('ada')))).toBe('APP_SUSPENDED');
  });
});
