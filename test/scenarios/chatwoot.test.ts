import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TokenSource } from '../../src/gen/tokenvault/v1/access_token_pb.ts';
import { Connection_State } from '../../src/gen/tokenvault/v1/connection_pb.ts';
import { Credential_State } from '../../src/gen/tokenvault/v1/credential_pb.ts';
import type { AppInput } from '../../src/sandbox/state/app_registration.ts';
import { keepAsking } from './keep_asking.ts';
import { type Onboarded, onboardPreset } from './onboard.ts';
import { reasonOf, type Scenario, startScenario } from './start_scenario.ts';

/**
 * Chatwoot, "Configure an OAuth app for Outlook & Microsoft 365 emails": accounts in any organizational directory, one redirect URI, the
 * delegated permissions, and AZURE_APP_ID and AZURE_APP_SECRET in the environment.
 */
const INSTANCE = 'https://chat.tailspin.example';
const CALLBACK = `${INSTANCE}/microsoft/callback`;
const IMAP = 'https://outlook.office.com/IMAP.AccessAsUser.All';
const SMTP = 'https://outlook.office.com/SMTP.Send';
const GRAPH_MAIL = '/graph/v1.0/me/messages';
const IMAP_CHECK = '/outlook/imap-check';

let scenario: Scenario;
let tenant: Awaited<ReturnType<typeof chatwoot>>;
beforeAll(async () => {
  scenario = await startScenario();
  tenant = await chatwoot('chatty');
});
afterAll(() => scenario.close());

/** AZURE_APP_ID and AZURE_APP_SECRET, and where the instance lives. */
function chatwoot(tenantId: string, entra: AppInput = {}) {
  return onboardPreset(scenario, 'chatwoot', {
    tenantId,
    entra: { audience: 'organizations', redirectUris: [CALLBACK], ...entra },
    tenant: { baseUrl: INSTANCE },
  });
}

function start(connection: string) {
  const scopes = ['Mail.ReadWrite', 'Mail.Send', IMAP, SMTP];
  return scenario.connections.startAuthorization({ connection, scopes, redirectUri: CALLBACK });
}

/** The product sends the browser to Entra itself, and its own callback hands over what came. */
async function connect(id: string, to: Pick<Onboarded, 'connection'> = tenant): Promise<string> {
  const connection = to.connection(id);
  const { authorizationUri } = await start(connection);
  const { url } = await scenario.browser.walk(authorizationUri, { as: 'ada@contoso.example' });
  expect(`${url.origin}${url.pathname}`).toBe(CALLBACK);
  await scenario.connections.completeAuthorization({
    connection,
    state: url.searchParams.get('state') ?? '',
    answer: { case: 'code', value: url.searchParams.get('code') ?? '' },
  });
  return connection;
}

test('setup needs an app id, a secret and the URL of the instance only', () => {
  const { app, nextSteps } = tenant.registered;

  expect(app).toMatchObject({ signInAudience: 'organizations', redirectUris: [CALLBACK] });
  expect(app?.implicitPermissions.toSorted()).toEqual(['email', 'offline_access', 'openid', 'profile']);
  expect(nextSteps?.redirectUris).toEqual([CALLBACK]);
  expect(nextSteps?.permissions).toMatchObject([
    { resource: 'https://graph.microsoft.com', permissions: ['Mail.ReadWrite', 'Mail.Send'] },
    { resource: 'https://outlook.office.com', permissions: ['IMAP.AccessAsUser.All', 'SMTP.Send'] },
  ]);
});

test('one consent yields a Graph token and an Outlook token, each accepted only where it belongs', async () => {
  const connection = await connect('inbox-1');

  const graph = await scenario.tokens.getAccessToken({ connection, scopes: ['Mail.ReadWrite', 'Mail.Send'] });
  const outlook = await scenario.tokens.getAccessToken({ connection, scopes: [IMAP, SMTP] });

  expect(graph).toMatchObject({ resource: 'https://graph.microsoft.com', tokenType: 'Bearer' });
  expect(outlook).toMatchObject({ resource: 'https://outlook.office.com', tokenType: 'Bearer' });
  expect(graph.permissions).toEqual(expect.arrayContaining(['Mail.ReadWrite', 'Mail.Send']));
  expect(outlook.permissions).toEqual(['IMAP.AccessAsUser.All', 'SMTP.Send']);
  expect(await scenario.use(GRAPH_MAIL, graph.accessToken)).toBe(200);
  expect(await scenario.use(IMAP_CHECK, outlook.accessToken)).toBe(200);
  expect(await scenario.use(IMAP_CHECK, graph.accessToken)).toBe(401);
  expect(await scenario.use(GRAPH_MAIL, outlook.accessToken)).toBe(401);
});

test('the connection shows its account and what was granted, per resource', async () => {
  const name = await connect('inbox-2');

  const { connection } = await scenario.connections.getConnection({ name });

  expect(connection).toMatchObject({
    state: Connection_State.ACTIVE,
    app: tenant.app,
    account: { username: 'ada@contoso.example' },
  });
  const granted = Object.fromEntries(connection?.resources.map((one) => [one.resource, one.permissions]) ?? []);
  expect(granted['https://outlook.office.com']).toEqual(['IMAP.AccessAsUser.All', 'SMTP.Send']);
  expect(granted['https://graph.microsoft.com']).toEqual(expect.arrayContaining(['Mail.ReadWrite', 'Mail.Send']));
});

test('a token request names one resource: two resources or no scopes are rejected', async () => {
  const connection = await connect('inbox-3');

  expect(await reasonOf(scenario.tokens.getAccessToken({ connection, scopes: ['Mail.Send', SMTP] }))).toBe(
    'SCOPES_SPAN_RESOURCES',
  );
  expect(await reasonOf(scenario.tokens.getAccessToken({ connection }))).toBe('SCOPES_SPAN_RESOURCES');
});

test('both tokens are refreshed with one refresh token after their expiry', async () => {
  const connection = await connect('inbox-4');
  const ask = async () => ({
    graph: await scenario.tokens.getAccessToken({ connection, scopes: ['Mail.Send'] }),
    outlook: await scenario.tokens.getAccessToken({ connection, scopes: [IMAP] }),
  });
  const before = await ask();

  await scenario.later(2 * 3_600_000);
  const after = await ask();

  expect(after.graph.source).toBe(TokenSource.ENTRA);
  expect(after.outlook.source).toBe(TokenSource.ENTRA);
  expect(after.graph.accessToken).not.toBe(before.graph.accessToken);
  expect(await scenario.use(GRAPH_MAIL, after.graph.accessToken)).toBe(200);
  expect(await scenario.use(IMAP_CHECK, after.outlook.accessToken)).toBe(200);
  expect(await scenario.use(IMAP_CHECK, before.outlook.accessToken)).toBe(401);
});

test('adding a second client secret needs no restart and no new sign-in', async () => {
  const connection = await connect('inbox-5');
  scenario.sandbox.expireSecret(tenant.clientId, tenant.secret);
  await scenario.later(2 * 3_600_000);
  expect(await reasonOf(scenario.tokens.getAccessToken({ connection, scopes: [IMAP] }))).toBe('APP_CREDENTIAL_EXPIRED');

  await scenario.apps.addCredential({
    parent: tenant.app,
    credentialId: 'second',
    credential: { material: { case: 'clientSecret', value: scenario.sandbox.addSecret(tenant.clientId).value } },
  });

  const outlook = await scenario.tokens.getAccessToken({ connection, scopes: [IMAP] });
  expect(await scenario.use(IMAP_CHECK, outlook.accessToken)).toBe(200);
});

describe('in a directory whose users can consent to verified publishers only', () => {
  /** Chatwoot: "the setup will not work for other emails under a different tenant until you have completed […] publisher verification". */
  async function tryToConnect(app: Onboarded, username: string): Promise<string> {
    const connection = app.connection(username.slice(0, username.indexOf('@')));
    const { authorizationUri } = await start(connection);
    const { url } = await scenario.browser.walk(authorizationUri, { as: username });
    const state = url.searchParams.get('state') ?? '';
    const code = url.searchParams.get('code');
    const error = {
      error: url.searchParams.get('error') ?? '',
      errorSubcode: url.searchParams.get('error_subcode') ?? '',
    };
    const answer =
      code === null ? ({ case: 'error', value: error } as const) : ({ case: 'code', value: code } as const);
    return reasonOf(scenario.connections.completeAuthorization({ connection, state, answer }));
  }

  test('an unverified app works after admin consent by the URL of the next steps', async () => {
    const directory = scenario.sandbox.addDirectory({ domain: 'careful.example', userConsent: 'verified' });
    const users = ['eva', 'eve'].map(
      (name) => scenario.sandbox.addUser({ username: `${name}@careful.example` }).username,
    );
    const app = await chatwoot('unverified');
    for (const username of users) expect(await tryToConnect(app, username)).toBe('AUTHORIZATION_DECLINED');

    const address = new URL(app.registered.nextSteps?.adminConsentUri ?? '');
    address.searchParams.set('sandbox_auto', directory.id);
    const answer = await fetch(address, { redirect: 'manual' });

    expect(new URL(answer.headers.get('location') ?? '').searchParams.get('admin_consent')).toBe('True');
    for (const username of users) expect(await tryToConnect(app, username)).toBe('OK');
  });

  test('an app of a verified publisher needs no administrator', async () => {
    scenario.sandbox.addDirectory({ domain: 'trusting.example', userConsent: 'verified' });
    const { username } = scenario.sandbox.addUser({ username: 'ivo@trusting.example' });

    expect(await tryToConnect(await chatwoot('verified', { publisherVerified: true }), username)).toBe('OK');
  });
});

describe('the secret is replaced while tokens are requested continuously', () => {
  test.each([
    ['deleted at Entra', ({ clientId, secret }: Onboarded) => scenario.sandbox.removeSecret(clientId, secret)],
    ['over its end', ({ clientId, secret }: Onboarded) => scenario.sandbox.expireSecret(clientId, secret)],
  ])('the old one %s: no restart, and not one call fails', async (way, ends) => {
    const app = await chatwoot(way === 'over its end' ? 'expiring' : 'deleting');
    const inbox = await connect('inbox', app);
    const asking = keepAsking(scenario, [
      { connection: inbox, scopes: ['Mail.Send'] },
      { connection: inbox, scopes: [IMAP] },
      { connection: await connect('other-inbox', app), scopes: [SMTP] },
    ]);
    await asking.rounds(2);

    const { value, endTime } = scenario.sandbox.addSecret(app.clientId);
    await scenario.apps.addCredential({
      parent: app.app,
      credentialId: 'next',
      credential: { material: { case: 'clientSecret', value }, expireTime: timestampFromMs(endTime) },
    });
    await asking.rounds(2);
    ends(app);
    await asking.rounds(2);
    await scenario.apps.removeCredential({ name: `${app.app}/credentials/default` });
    await asking.rounds(2);

    const outcomes = await asking.stop();
    expect(new Set(outcomes)).toEqual(new Set(['OK']));
    // No token was an old one: each call of each round took an exchange.
    const exchanges = scenario.asked(app.clientId).filter(({ outcome }) => outcome === 'ok');
    expect(exchanges.length).toBeGreaterThanOrEqual(outcomes.length);
    const { app: after } = await scenario.apps.getApp({ name: app.app });
    expect(after?.credentials).toMatchObject([{ name: `${app.app}/credentials/next`, state: Credential_State.VALID }]);
  });
});
