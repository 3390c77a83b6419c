import { afterAll, beforeAll, expect, test } from 'vitest';
import { TokenSource } from '../../src/gen/tokenvault/v1/access_token_pb.ts';
import { Connection_State } from '../../src/gen/tokenvault/v1/connection_pb.ts';
import { type Onboarded, onboard } from './onboard.ts';
import { reasonOf, type Scenario, startScenario } from './start_scenario.ts';

/** As chatwoot's own set-up page has it: see the preset's seed. */
const CALLBACK = 'http://localhost:3000/microsoft/callback';
const IMAP = 'https://outlook.office.com/IMAP.AccessAsUser.All';
const SMTP = 'https://outlook.office.com/SMTP.Send';
const GRAPH_MAIL = '/graph/v1.0/me/messages';
const IMAP_CHECK = '/outlook/imap-check';

let scenario: Scenario;
let tenant: Onboarded;
beforeAll(async () => {
  scenario = await startScenario();
  tenant = await onboard(scenario, 'chatty', {
    entra: { redirectUris: [CALLBACK] },
    tenant: { preset: 'chatwoot', baseUrl: 'http://localhost:3000' },
  });
});
afterAll(() => scenario.close());

/** The product sends the browser to Entra itself, and its own callback hands over what came. */
async function connect(id: string): Promise<string> {
  const connection = tenant.connection(id);
  const { authorizationUri } = await scenario.connections.startAuthorization({
    connection,
    scopes: ['Mail.ReadWrite', 'Mail.Send', IMAP, SMTP],
    redirectUri: CALLBACK,
  });
  const { url } = await scenario.browser.walk(authorizationUri, { as: 'ada@contoso.example' });
  expect(`${url.origin}${url.pathname}`).toBe(CALLBACK);
  await scenario.connections.completeAuthorization({
    connection,
    state: url.searchParams.get('state') ?? '',
    answer: { case: 'code', value: url.searchParams.get('code') ?? '' },
  });
  return connection;
}

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
  const granted = Object.fromEntries(connection?.grants.map((one) => [one.resource, one.permissions]) ?? []);
  expect(granted['https://outlook.office.com']).toEqual(['IMAP.AccessAsUser.All', 'SMTP.Send']);
  expect(granted['https://graph.microsoft.com']).toEqual(expect.arrayContaining(['Mail.ReadWrite', 'Mail.Send']));
});

test('a token is asked per resource: both at once are refused, and so is no scope at all', async () => {
  const connection = await connect('inbox-3');

  expect(await reasonOf(scenario.tokens.getAccessToken({ connection, scopes: ['Mail.Send', SMTP] }))).toBe(
    'SCOPES_SPAN_RESOURCES',
  );
  expect(await reasonOf(scenario.tokens.getAccessToken({ connection }))).toBe('SCOPES_SPAN_RESOURCES');
});

test('both tokens go on from the one refresh token when their time is over', async () => {
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

test('a new client secret beside the old one needs no restart, and no user signs in again', async () => {
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
