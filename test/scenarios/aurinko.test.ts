import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { App } from '../../src/gen/tokenvault/v1/app_pb.ts';
import { Connection_State } from '../../src/gen/tokenvault/v1/connection_pb.ts';
import { CONTOSO } from '../../src/sandbox/state/seed_data.ts';
import { connectByPage, onboardPreset, RETURN_URL } from './onboard.ts';
import { failureOf, type Scenario, startScenario } from './start_scenario.ts';

/**
 * Aurinko, "Office 365 OAuth setup" (https://docs.aurinko.io): the mapping under "Specifying API permissions", row by row, and what
 * "Aurinko requests implicitly".
 */
const ROWS = [
  ['Mail.ReadOnly', 'Mail.Read'],
  ['Mail.ReadWrite', 'Mail.ReadWrite'],
  ['Mail.Draft', 'Mail.ReadWrite'],
  ['Mail.Send', 'Mail.Send'],
  ['Calendar.ReadOnly', 'Calendars.Read'],
  ['Calendar.ReadWrite', 'Calendars.ReadWrite'],
  ['Contacts.ReadOnly', 'Contacts.Read'],
  ['Contacts.ReadWrite', 'Contacts.ReadWrite'],
  ['Tasks.ReadOnly', 'Tasks.Read'],
  ['Tasks.ReadWrite', 'Tasks.ReadWrite'],
] as const;
const IMPLICIT = ['offline_access', 'openid', 'email', 'profile', 'MailboxSettings.Read', 'User.Read'];
const IMPLICIT_PERMISSIONS = ['MailboxSettings.Read', 'User.Read'];
/** Other pages of Aurinko's write these. */
const ALIASES = [
  ['Mail.Read', 'Mail.Read'],
  ['Mail.Drafts', 'Mail.ReadWrite'],
  ['Calendar.Read', 'Calendars.Read'],
  ['Contacts.Read', 'Contacts.Read'],
  ['Tasks.Read', 'Tasks.Read'],
] as const;
const GRAPH = 'https://graph.microsoft.com';

let scenario: Scenario;
let tenant: Awaited<ReturnType<typeof onboardPreset>>;
beforeAll(async () => {
  scenario = await startScenario();
  // "Account in any organizational directory and personal Microsoft accounts"; the app id and the secret are copied from the portal.
  tenant = await onboardPreset(scenario, 'aurinko', {
    tenantId: 'tailspin',
    entra: { audience: 'common', redirectUris: [scenario.callbackUri] },
  });
  await scenario.apps.updateApp({ app: { name: tenant.app, returnUrlPrefixes: ['http://127.0.0.1:3000/'] } });
});
afterAll(() => scenario.close());

/** Consent at Entra adds up for each user, so each scope gets a user of its own. */
async function connectSomebody(scope: string): Promise<{ connection: string; asked: readonly string[] }> {
  const { username } = scenario.sandbox.addUser({ username: `${scope.toLowerCase()}@contoso.example` });
  const connection = tenant.connection(`user-of-${scope}`);
  const { authorizationUri } = await scenario.connections.startAuthorization({
    connection,
    scopes: [scope],
    returnUrl: RETURN_URL,
  });
  const { url } = await scenario.browser.walk(authorizationUri, { as: username });
  const confirmation = url.searchParams.get('confirmation') ?? '';
  await scenario.connections.confirmAuthorization({ connection, confirmation });
  return { connection, asked: new URL(authorizationUri).searchParams.get('scope')?.split(' ') ?? [] };
}

const fullForm = (permission: string) => (permission.includes('.') ? `${GRAPH}/${permission}` : permission);

describe('setup needs the client id and secret of the customer only', () => {
  test('the preset sets the rest', () => {
    const { registered } = tenant;
    expect(registered.tenant).toMatchObject({ catalog: 'aurinko', displayName: 'tailspin' });
    const expected: Partial<App> = { signInAudience: 'common', redirectUris: [scenario.callbackUri] };
    expect(registered.app).toMatchObject(expected);
    expect(registered.app?.implicitPermissions.toSorted()).toEqual(IMPLICIT.toSorted());
  });

  test('what Aurinko has its customers add under "API permissions" is among the next steps', () => {
    const { nextSteps } = tenant.registered;
    expect(nextSteps?.redirectUris).toEqual([scenario.callbackUri]);
    expect(nextSteps?.permissions).toMatchObject([
      {
        resource: GRAPH,
        permissions: expect.arrayContaining([
          'Calendars.ReadWrite',
          'Contacts.ReadWrite',
          'Mail.ReadWrite',
          'Mail.Send',
          'Tasks.ReadWrite',
          ...IMPLICIT_PERMISSIONS,
        ]),
      },
    ]);
  });
});

describe('each row of the mapping is requested and granted, always with the six implicit permissions', () => {
  test.each([...ROWS, ...ALIASES])('%s is %s on Microsoft Graph', async (scope, permission) => {
    const { connection, asked } = await connectSomebody(scope);

    expect(asked.toSorted()).toEqual([permission, ...IMPLICIT].map(fullForm).toSorted());
    const { connection: connected } = await scenario.connections.getConnection({ name: connection });
    expect(connected).toMatchObject({
      state: Connection_State.ACTIVE,
      resources: [{ resource: GRAPH, permissions: [permission, ...IMPLICIT_PERMISSIONS].toSorted() }],
    });
    const token = await scenario.tokens.getAccessToken({ connection, scopes: [scope] });
    expect(token).toMatchObject({ resource: GRAPH, permissions: [permission, ...IMPLICIT_PERMISSIONS].toSorted() });
    // Of the six, offline_access alone leaves no trace in a token: without it there would be no refresh token, and no connection.
    const inToken = IMPLICIT.filter((name) => name !== 'offline_access');
    expect(String(decodeJwt(token.accessToken)['scp']).split(' ').toSorted()).toEqual(
      [permission, ...inToken].toSorted(),
    );
  });

  test('all rows at once are served from one token', async () => {
    const scopes = ROWS.map(([scope]) => scope);
    const { username } = scenario.sandbox.addUser({ username: 'everything@contoso.example' });
    const connection = await connectByPage(scenario, tenant, 'everything', { scopes, user: username });
    scenario.sandbox.clearRequests();

    const tokens = await Promise.all(
      scopes.map((scope) => scenario.tokens.getAccessToken({ connection, scopes: [scope] })),
    );

    expect(new Set(tokens.map(({ accessToken }) => accessToken)).size).toBe(1);
    expect(tokens[0]?.permissions).toEqual(
      expect.arrayContaining([...ROWS.map(([, permission]) => permission), ...IMPLICIT_PERMISSIONS]),
    );
    expect(scenario.asked(tenant.clientId).length).toBeLessThanOrEqual(1);
    expect(await scenario.use('/graph/v1.0/me/messages', tokens[0]?.accessToken ?? '')).toBe(200);
  });
});

test('an unknown scope is rejected with the most similar known one', async () => {
  const failure = await failureOf(
    scenario.connections.startAuthorization({
      connection: tenant.connection('slip'),
      scopes: ['Calender.ReadWrite'],
      autoConfirm: true,
    }),
  );

  expect(failure).toMatchObject({ reason: 'SCOPE_UNKNOWN', metadata: { suggestions: 'Calendar.ReadWrite' } });
  expect(failure?.message).toContain('Did you mean Calendar.ReadWrite');
});

test('an internal app, for accounts in its own directory only, is registered with that directory', async () => {
  const internal = await onboardPreset(scenario, 'aurinko', {
    tenantId: 'internal',
    entra: { audience: CONTOSO, directoryId: CONTOSO, redirectUris: [scenario.callbackUri] },
    app: { signInAudience: CONTOSO },
  });
  const connection = internal.connection('ada');
  const { connectUri } = await scenario.connections.startAuthorization({
    connection,
    scopes: ['Mail.ReadOnly'],
    autoConfirm: true,
  });
  await scenario.browser.walk(connectUri, { as: 'ada@contoso.example' });

  const { accessToken } = await scenario.tokens.getAccessToken({ connection, scopes: ['Mail.ReadOnly'] });
  expect(internal.registered.app?.signInAudience).toBe(CONTOSO);
  expect(await scenario.use('/graph/v1.0/me/messages', accessToken)).toBe(200);
});
