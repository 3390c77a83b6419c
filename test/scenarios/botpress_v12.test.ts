import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { App } from '../../src/gen/tokenvault/v1/app_pb.ts';
import { Connection_State } from '../../src/gen/tokenvault/v1/connection_pb.ts';
import type { AppRegistration } from '../../src/sandbox/state/app_registration.ts';
import { reasonOf, type Scenario, startScenario } from './start_scenario.ts';

const PROGRAM = fileURLToPath(new URL('../../bin/token-vault.js', import.meta.url));
const BOTPRESS = 'https://bots.tailspin.example';
const STRATEGY = 'microsoft';
const CALLBACK = `${BOTPRESS}/api/v1/auth/login-callback/oauth2/${STRATEGY}`;
const APP = 'tenants/bots/apps/default';
const CONNECTION = 'tenants/bots/connections/collaborator';
const SCOPES = ['openid', 'profile', 'email'];
/** Whose mail address is not the name that they sign in with. */
const USER = { username: 'byron@contoso.example', mail: 'Ada.Byron@contoso.example', displayName: 'Ada Byron' };

/** Botpress v12, "Azure OAuth2", steps 3 and 5: the entry of `botpress.config.json`, its blanks filled in. */
const configOf = (login: string, registration: AppRegistration) => ({
  authStrategies: {
    [STRATEGY]: {
      type: 'oauth2',
      allowSelfSignup: false,
      options: {
        authorizationURL: `${login}/common/oauth2/v2.0/authorize`,
        tokenURL: `${login}/common/oauth2/v2.0/token`,
        clientSecret: registration.secrets[0]?.value,
        clientID: registration.clientId,
        callbackURL: CALLBACK,
        scope: 'openid profile email',
        userInfoURL: 'https://graph.microsoft.com/oidc/userinfo',
      },
      fieldMapping: { email: 'email' },
    },
  },
  pro: { collaboratorsAuthStrategies: [STRATEGY], externalAuth: { enabled: true } },
});

let scenario: Scenario;
let registration: AppRegistration;
let imported: { stdout: string };
let connected: Awaited<ReturnType<typeof connect>>;
beforeAll(async () => {
  scenario = await startScenario();
  // "Accounts in any organizational directory and personal Microsoft accounts"; the callback is entered in step 6.
  registration = scenario.sandbox.addApp({ audience: 'common', redirectUris: [CALLBACK], secrets: [{}] });
  scenario.sandbox.addUser(USER);
  const config = join(scenario.folder, 'botpress.config.json');
  writeFileSync(config, JSON.stringify(configOf(scenario.sandbox.url, registration), undefined, 2));
  imported = await importBotpress(config);
  connected = await connect();
});
afterAll(() => scenario.close());

function importBotpress(config: string) {
  const { sandbox, vault } = scenario;
  const options = ['--tenant', 'bots', '--custom-login-url', sandbox.url, '--address', vault.addresses.admin];
  return promisify(execFile)(process.execPath, [PROGRAM, 'import', 'botpress', config, ...options, '--apply']);
}

/** By the vault's own callback, which the operator has entered in the portal, as the import said. */
async function connect() {
  scenario.sandbox.addRedirectUri(registration.clientId, scenario.callbackUri);
  const { connectUri } = await scenario.connections.startAuthorization({
    connection: CONNECTION,
    scopes: SCOPES,
    returnUrl: `${BOTPRESS}/connected`,
  });
  const { url } = await scenario.browser.walk(connectUri, { as: USER.username });
  const confirmation = url.searchParams.get('confirmation') ?? '';
  const { connection } = await scenario.connections.confirmAuthorization({ connection: CONNECTION, confirmation });
  return { arrival: url, connection };
}

async function userInfo(accessToken: string) {
  const response = await fetch(`${scenario.sandbox.url}/graph/oidc/userinfo`, {
    headers: { authorization: `Bearer ${accessToken}` },
  });
  return response.json();
}

test('the entry is imported: the app, its secret, and both callbacks', async () => {
  const { app } = await scenario.apps.getApp({ name: APP });

  const expected: Partial<App> = {
    clientId: registration.clientId,
    signInAudience: 'common',
    redirectUris: [scenario.callbackUri, CALLBACK],
    returnUrlPrefixes: [`${BOTPRESS}/`],
  };
  expect(app).toMatchObject(expected);
  expect(app?.implicitPermissions.toSorted()).toEqual(['email', 'offline_access', 'openid', 'profile']);
  expect(app?.credentials).toHaveLength(1);
  expect(imported.stdout).toContain(scenario.callbackUri);
  expect(imported.stdout).not.toContain(registration.secrets[0]?.value);
});

test('the vault’s callback takes over, and the e-mail address of the id token is kept with the account', () => {
  const { arrival, connection } = connected;

  expect(`${arrival.origin}${arrival.pathname}`).toBe(`${BOTPRESS}/connected`);
  expect(connection).toMatchObject({
    state: Connection_State.ACTIVE,
    account: { username: USER.username, displayName: USER.displayName, email: USER.mail },
  });
});

test('the token is valid for userinfo, and for nothing else', async () => {
  const token = await scenario.tokens.getAccessToken({ connection: CONNECTION, scopes: SCOPES });

  expect(token).toMatchObject({ resource: 'https://graph.microsoft.com', permissions: [] });
  expect(await userInfo(token.accessToken)).toMatchObject({
    sub: expect.stringMatching(/./),
    name: USER.displayName,
    email: USER.mail,
  });
  expect(await scenario.use('/graph/v1.0/me', token.accessToken)).toBe(403);
});

test('and later tokens are, although Botpress itself never had a refresh token', async () => {
  await scenario.later(2 * 3_600_000);

  const { accessToken } = await scenario.tokens.getAccessToken({ connection: CONNECTION });

  expect(await userInfo(accessToken)).toMatchObject({ email: USER.mail });
  expect(scenario.asked(registration.clientId).at(-1)).toMatchObject({ outcome: 'ok' });
  const { connection } = await scenario.connections.getConnection({ name: CONNECTION });
  expect(connection?.account?.email).toBe(USER.mail);
});

test('importing the same entry again changes nothing', async () => {
  const before = await scenario.apps.getApp({ name: APP });

  await importBotpress(join(scenario.folder, 'botpress.config.json'));

  expect((await scenario.apps.getApp({ name: APP })).app).toEqual(before.app);
  expect((await scenario.apps.listApps({ parent: 'tenants/bots' })).apps).toHaveLength(1);
  expect(await reasonOf(scenario.tokens.getAccessToken({ connection: CONNECTION }))).toBe('OK');
});
