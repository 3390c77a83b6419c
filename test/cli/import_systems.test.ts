import { afterAll, beforeAll, expect, test } from 'vitest';
import type { App } from '../../src/gen/tokenvault/v1/app_pb.ts';
import { Credential_Kind } from '../../src/gen/tokenvault/v1/credential_pb.ts';
import { CONTOSO_USER } from '../scenarios/onboard.ts';
import { reasonOf, type Scenario, startScenario } from '../scenarios/start_scenario.ts';
import { answerOf, jsonLines, runImport, temporaryFiles } from './import_program.ts';

const IMAP = 'https://outlook.office.com/IMAP.AccessAsUser.All';
const SMTP = 'https://outlook.office.com/SMTP.Send';

let scenario: Scenario;
let admin: readonly string[];
beforeAll(async () => {
  scenario = await startScenario();
  admin = ['--address', scenario.vault.addresses.admin];
});
afterAll(() => scenario.close());

/** An app registration at Entra. */
function registration() {
  const { clientId, secrets } = scenario.sandbox.addApp({ audience: 'common', secrets: [{}] });
  return { clientId, secret: secrets[0]?.value ?? '' };
}

async function appsOf(tenantId: string): Promise<readonly App[]> {
  return (await scenario.apps.listApps({ parent: `tenants/${tenantId}` })).apps;
}

function refreshToken(clientId: string, scopes: string, user = CONTOSO_USER): string {
  return scenario.sandbox.issueRefreshToken({
    clientId,
    userObjectId: user,
    scopes: `openid profile offline_access ${scopes}`,
  });
}

/** The `authStrategies` entry of Botpress's documentation, with values. */
function strategy(name: string, { clientId, secret }: { clientId: string; secret: string }, login: string) {
  return {
    type: 'oauth2',
    allowSelfSignup: false,
    options: {
      authorizationURL: `${login}/common/oauth2/v2.0/authorize`,
      tokenURL: `${login}/common/oauth2/v2.0/token`,
      clientSecret: secret,
      clientID: clientId,
      callbackURL: `https://bots.example.com/api/v1/auth/login-callback/oauth2/${encodeURIComponent(name)}`,
      scope: 'openid profile email',
      userInfoURL: 'https://graph.microsoft.com/oidc/userinfo',
    },
    fieldMapping: { email: 'email' },
  };
}

test('botpress: each strategy for Entra becomes an app, the first with its tenant; others are reported', async () => {
  const [first, second, broken] = [registration(), registration(), registration()];
  const login = scenario.sandbox.url;
  const text = JSON.stringify(
    {
      authStrategies: {
        azure: strategy('azure', first, login),
        google: strategy('google', first, 'https://accounts.google.com'),
        'Azure Two': strategy('Azure Two', second, login),
        broken: strategy('broken', broken, login),
      },
    },
    null,
    2,
  ).replace(`"clientID": "${broken.clientId}",`, `"clientID": "${broken.clientId}`);
  const lineOf = (name: string) => text.split('\n').findIndex((line) => line.includes(`"${name}": {`)) + 1;
  const config = temporaryFiles().write('botpress.config.json', text);
  const command = ['botpress', config, '--tenant', 'bots', '--custom-login-url', login, '--json', ...admin];

  const dry = await runImport(command);
  expect(await reasonOf(appsOf('bots'))).toBe('TENANT_NOT_FOUND');
  const done = await runImport([...command, '--apply']);
  const again = await runImport([...command, '--apply']);

  expect([dry.code, done.code, again.code]).toEqual([65, 65, 65]);
  expect(answerOf(dry).apps).toEqual({ imported: 2, already_there: 0, skipped: 1, refused: 1, doubtful: 0 });
  expect(answerOf(done)).toMatchObject({
    apps: { imported: 2, already_there: 0, skipped: 1, refused: 1, doubtful: 0 },
    registered: [{ app: 'tenants/bots/apps/default' }, { app: 'tenants/bots/apps/azure-two' }],
    left_out: [
      { line: lineOf('google'), outcome: 'SKIPPED', reason: 'NOT_ENTRA' },
      { line: lineOf('broken'), outcome: 'REFUSED', reason: 'NOT_JSON' },
    ],
  });
  expect(answerOf(dry).registered.map(({ app }) => app)).toEqual(answerOf(done).registered.map(({ app }) => app));
  expect(answerOf(done).registered[0]?.next_steps.join()).toContain(scenario.callbackUri);
  expect(answerOf(again).apps).toEqual({ imported: 0, already_there: 2, skipped: 1, refused: 1, doubtful: 0 });
  const apps = await appsOf('bots');
  expect(apps.map(({ clientId }) => clientId).sort()).toEqual([first.clientId, second.clientId].sort());
  for (const app of apps) {
    expect(app).toMatchObject({ signInAudience: 'common', credentials: [{ kind: Credential_Kind.CLIENT_SECRET }] });
    expect(app.redirectUris).toEqual([scenario.callbackUri, expect.stringContaining('/login-callback/oauth2/')]);
    expect([...app.implicitPermissions].sort()).toEqual(['email', 'offline_access', 'openid', 'profile']);
  }
  for (const { stdout, stderr } of [dry, done, again])
    for (const secret of [first, second, broken]) expect(stdout + stderr).not.toContain(secret.secret);
});

test('chatwoot: imports the app of the environment file and the connections of channel_email', async () => {
  const app = registration();
  const files = temporaryFiles();
  const env = files.write(
    '.env',
    `AZURE_APP_ID=${app.clientId}\nAZURE_APP_SECRET=${app.secret}\nFRONTEND_URL=https://chat.example.com\n`,
  );
  const row = (id: number, changes: object = {}) => ({
    id,
    account_id: 1,
    email: CONTOSO_USER,
    imap_password: 'canary-imap',
    provider: 'microsoft',
    provider_config: {
      access_token: 'canary-access',
      refresh_token: refreshToken(app.clientId, `Mail.ReadWrite Mail.Send ${IMAP} ${SMTP}`),
    },
    ...changes,
  });
  const narrow = {
    provider_config: { refresh_token: refreshToken(app.clientId, `${IMAP} ${SMTP}`, 'grace@contoso.example') },
  };
  const channels = files.write(
    'channels.jsonl',
    jsonLines([row(12), row(13, { provider: 'google' }), row(14, { provider_config: {} }), row(15)]),
  );
  const command = [
    'chatwoot',
    '--tenant',
    'chat',
    '--env',
    env,
    '--channels',
    channels,
    '--cloud',
    'custom',
    '--json',
    ...admin,
  ];

  const dry = await runImport(command);
  expect(await reasonOf(appsOf('chat'))).toBe('TENANT_NOT_FOUND');
  const done = await runImport([...command, '--apply']);
  const again = await runImport([...command, '--apply']);

  const counts = { imported: 2, already_there: 0, skipped: 1, refused: 1, doubtful: 0 };
  expect(answerOf(dry).connections).toEqual(counts);
  expect(answerOf(done)).toMatchObject({
    apps: { imported: 1 },
    connections: counts,
    left_out: [
      { line: 2, what: 'channel 13', reason: 'NOT_MICROSOFT' },
      { line: 3, what: 'channel 14', reason: 'FIELD_INVALID' },
    ],
  });
  expect(answerOf(again)).toMatchObject({ apps: { already_there: 1 }, connections: { imported: 0, already_there: 2 } });
  const connection = 'tenants/chat/connections/channel-12';
  const { connections } = await scenario.connections.listConnections({
    parent: 'tenants/chat',
    externalId: 'chatwoot:channel_email:12',
  });
  expect(connections).toMatchObject([{ name: connection, labels: { chatwoot_account_id: '1' } }]);
  const outlook = await scenario.tokens.getAccessToken({ connection, scopes: [IMAP] });
  const graph = await scenario.tokens.getAccessToken({ connection, scopes: ['Mail.Send'] });
  expect(await scenario.use('/outlook/imap-check', outlook.accessToken)).toBe(200);
  expect(await scenario.use('/outlook/imap-check', graph.accessToken)).toBe(401);
  const lone = files.write('narrow.jsonl', jsonLines([row(20, narrow)]));
  const wide = await runImport([...command.with(6, lone), '--apply']);
  expect(answerOf(wide).left_out).toMatchObject([{ what: 'tenants/chat/connections/channel-20' }]);
  expect(answerOf(wide).left_out[0]?.next_step).toContain('--scope');
  expect((await runImport([...command.with(6, lone), '--apply', '--scope', IMAP, '--scope', SMTP])).code).toBe(0);
  for (const { stdout, stderr } of [dry, done, again, wide]) {
    expect(stdout + stderr).not.toContain('canary');
    expect(stdout + stderr).not.toContain(app.secret);
  }
});

test('chatwoot: a tenant with another app stays unchanged, and no channel gets the wrong app', async () => {
  const [theirs, ours] = [registration(), registration()];
  const files = temporaryFiles();
  const importing = async ({ clientId, secret }: typeof ours) => {
    const env = files.write('.env', `AZURE_APP_ID=${clientId}\nAZURE_APP_SECRET=${secret}\n`);
    const channels = files.write(
      'channels',
      jsonLines([{ id: 1, provider: 'microsoft', provider_config: { refresh_token: 'x' } }]),
    );
    const from = ['--env', env, '--channels', channels, '--base-url', 'https://chat.example.com', '--cloud', 'custom'];
    return runImport([
      'chatwoot',
      '--tenant',
      'taken',
      ...from,
      '--verify',
      'on-first-use',
      '--apply',
      '--json',
      ...admin,
    ]);
  };
  await importing(theirs);

  const result = await importing(ours);

  expect(result.code).toBe(65);
  expect(answerOf(result)).toMatchObject({
    apps: { refused: 1 },
    connections: { imported: 0, already_there: 0 },
    left_out: [{ line: null, reason: 'FOREIGN_CLIENT_ID', why: expect.stringContaining(theirs.clientId) }],
  });
  expect((await appsOf('taken')).map(({ clientId }) => clientId)).toEqual([theirs.clientId]);
});

test('chatwoot: the import ignores NODE_OPTIONS and proxies of the environment file', async () => {
  const { clientId, secret } = registration();
  const app = `AZURE_APP_ID=${clientId}\nAZURE_APP_SECRET=${secret}\nFRONTEND_URL=https://chat.example.com\n`;
  const env = temporaryFiles().write('.env', `${app}NODE_OPTIONS=--there-is-none\nhttp_proxy=http://127.0.0.1:9\n`);

  expect(
    await runImport(['chatwoot', '--tenant', 'own-env', '--env', env, '--cloud', 'custom', ...admin]),
  ).toMatchObject({ code: 0 });
});

test('connections are not read if their app cannot be registered, and the report says so', async () => {
  const files = temporaryFiles();
  const secret = files.write('secret', 'x');
  const file = files.write('in.jsonl', jsonLines([{ connection: 'ada', refresh_token: 'x', scopes: ['Mail.Read'] }]));
  const from = ['--client-id', registration().clientId, '--client-secret-file', secret, '--connections', file];

  const { code, stdout } = await runImport(['deskpro', '--tenant', 'no-base', ...from, ...admin]);

  expect(code).toBe(65);
  expect(stdout).toContain('base_url: is required');
  expect(stdout).toContain('the connections were not read, because their app is not registered');
});

test('deskpro: an invalid client id is not repeated, because it may be the secret', async () => {
  const given = ['--client-id', 'pre8Q~canary', '--client-secret-file', '-'];

  const { code, stderr, stdout } = await runImport(['deskpro', '--tenant', 'desk', ...given]);

  expect(code).toBe(64);
  expect(stderr).toContain('--client-id must be');
  expect(stderr + stdout).not.toMatch(/canary/i);
});

test('deskpro: a secret can never expire, and connections belong to the new app', async () => {
  const app = registration();
  const files = temporaryFiles();
  const file = files.write(
    'in.jsonl',
    jsonLines([
      { connection: 'ada', refresh_token: refreshToken(app.clientId, 'Mail.Read'), client_id: app.clientId },
      { connection: 'bad', refresh_token: 'x', client_id: '99999999-9999-4999-8999-999999999999' },
    ]),
  );
  const command = (expires: string, tenant: string) => [
    ...[
      'deskpro',
      '--tenant',
      tenant,
      '--client-id',
      app.clientId,
      '--client-secret-file',
      '-',
      '--secret-expires',
      expires,
    ],
    ...['--base-url', 'https://desk.example.com', '--connections', file, '--scope', 'Mail.Read', '--cloud', 'custom'],
    ...['--json', ...admin],
  ];

  const dry = await runImport(command('12/31/2299', 'desk'), `${app.secret}\n`);
  const done = await runImport([...command('12/31/2299', 'desk'), '--apply'], `${app.secret}\n`);
  await runImport([...command('never', 'desk-2'), '--apply'], app.secret);

  for (const result of [dry, done])
    expect(answerOf(result)).toMatchObject({
      apps: { imported: 1 },
      connections: { imported: 1, refused: 1 },
      left_out: [{ line: 2, reason: 'FOREIGN_CLIENT_ID' }],
    });
  const [desk] = await appsOf('desk');
  expect(desk?.redirectUris).toEqual(['https://desk.example.com/admin/office365/token']);
  expect(desk?.credentials[0]?.neverExpires).toBe(true);
  expect(desk?.credentials[0]?.expireTime).toEqual((await appsOf('desk-2'))[0]?.credentials[0]?.expireTime);
  const token = await scenario.tokens.getAccessToken({
    connection: 'tenants/desk/connections/ada',
    scopes: ['Mail.Read'],
  });
  expect(await scenario.use('/graph/v1.0/me/messages', token.accessToken)).toBe(200);
});

test("aurinko: accepts product scopes, a redirect URI, and a date in the portal's form", async () => {
  const app = registration();
  const files = temporaryFiles();
  const secret = files.write('secret', app.secret);
  const line = {
    connection: 'ada',
    refresh_token: refreshToken(app.clientId, 'Mail.Read User.Read MailboxSettings.Read'),
  };
  const file = files.write('in.jsonl', jsonLines([line]));
  const redirect = 'https://api.example.com/v1/auth/callback';

  const result = await runImport([
    ...['aurinko', '--tenant', 'aurinko', '--client-id', app.clientId.toUpperCase(), '--client-secret-file', secret],
    ...['--secret-expires', '1/31/2027', '--redirect-uri', redirect, '--connections', file, '--scope', 'Mail.ReadOnly'],
    ...['--cloud', 'custom', '--apply', ...admin],
  ]);

  expect(result).toMatchObject({ code: 0, stdout: expect.stringContaining('connections: 1 imported') });
  expect(result.stdout).toMatch(/^ {2}to do: .*https:\/\/api\.example\.com/m);
  const [registered] = await appsOf('aurinko');
  expect(registered).toMatchObject({ redirectUris: [redirect], signInAudience: 'common' });
  expect(Number(registered?.credentials[0]?.expireTime?.seconds) * 1_000).toBe(Date.UTC(2027, 0, 31));
  expect(result.stdout).not.toContain(app.secret);
});
