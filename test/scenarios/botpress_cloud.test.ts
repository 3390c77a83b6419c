import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Connection_State } from '../../src/gen/tokenvault/v1/connection_pb.ts';
import { type Onboarded, onboardPreset } from './onboard.ts';
import { failureOf, reasonOf, type Scenario, startScenario } from './start_scenario.ts';

/**
 * Botpress Cloud, "Enable OAuth": the redirect URI of every integration; "global secrets" for the integration's own app, or "manual
 * configuration", where "users bring their own app"; an `identifier`, the user or workspace id of the outside world.
 */
const WEBHOOK = 'https://webhook.botpress.cloud/oauth';
/** What an integration that answers mail would ask for. */
const SCOPES = ['Mail.ReadWrite', 'Mail.Send'];
const BOTS = ['bot-of-contoso', 'bot-of-fabrikam', 'bot-of-nobody'];
const ADA = 'ada@contoso.example';
const ALAN = 'alan@fabrikam.example';

/** A tenant that connects through the shared app, and has none itself. */
type Bot = Pick<Onboarded, 'name' | 'connection'>;

let scenario: Scenario;
let shared: Awaited<ReturnType<typeof register>>;
let bots: Bot[];
let manual: Onboarded;
beforeAll(async () => {
  scenario = await startScenario();
  shared = await register('botpress');
  bots = await Promise.all(BOTS.map(registerWithoutApp));
  manual = await register('bot-with-an-app');
  await scenario.apps.updateApp({ app: { name: shared.app, sharedWith: bots.map(({ name }) => name) } });
});
afterAll(() => scenario.close());

function register(tenantId: string) {
  return onboardPreset(scenario, 'botpress-cloud', {
    tenantId,
    entra: { audience: 'organizations', redirectUris: [WEBHOOK] },
    app: { signInAudience: 'organizations' },
  });
}

async function registerWithoutApp(tenantId: string): Promise<Bot> {
  const { tenant } = await scenario.tenants.registerTenant({ tenantId, preset: 'botpress-cloud' });
  const name = tenant?.name ?? '';
  return { name, connection: (id) => `${name}/connections/${id}` };
}

interface Wish {
  readonly app?: string;
  readonly as?: string;
  readonly externalId?: string;
}

const start = (connection: string, { app = '', externalId = '' }: Wish = {}) =>
  scenario.connections.startAuthorization({ connection, app, externalId, scopes: SCOPES, redirectUri: WEBHOOK });

/** What arrives at the integration's `/oauth` path. */
async function webhookCall(authorizationUri: string, as = ADA): Promise<{ state: string; code: string }> {
  const { url } = await scenario.browser.walk(authorizationUri, { as });
  expect(`${url.origin}${url.pathname}`).toBe(WEBHOOK);
  return { state: url.searchParams.get('state') ?? '', code: url.searchParams.get('code') ?? '' };
}

const handOver = (connection: string, { state, code }: { state: string; code: string }) =>
  scenario.connections.completeAuthorization({ connection, state, answer: { case: 'code', value: code } });

async function connect(connection: string, wish: Wish = {}): Promise<string> {
  const { authorizationUri } = await start(connection, wish);
  await handOver(connection, await webhookCall(authorizationUri, wish.as));
  return connection;
}

const token = (connection: string) => scenario.tokens.getAccessToken({ connection, scopes: ['Mail.Send'] });

const found = async (parent: string, externalId: string) =>
  (await scenario.connections.listConnections({ parent, externalId })).connections.map(({ name }) => name);

describe('a shared app', () => {
  test('serves three tenants, whose users come back to the webhook with code and state', async () => {
    const users = [ADA, ALAN, 'grace@contoso.example'];
    const names = await Promise.all(
      bots.map((bot, index) => connect(bot.connection('mailbox'), { app: shared.app, as: users[index] ?? ADA })),
    );

    for (const [index, name] of names.entries()) {
      const { connection } = await scenario.connections.getConnection({ name });
      expect(connection).toMatchObject({
        app: shared.app,
        state: Connection_State.ACTIVE,
        account: { username: users[index] },
      });
      const { accessToken } = await token(name);
      expect(await scenario.use('/graph/v1.0/me/messages', accessToken)).toBe(200);
    }
    expect(scenario.asked(shared.clientId, 'authorization_code')).toHaveLength(3);
    expect(await reasonOf(scenario.apps.deleteApp({ name: shared.app, force: true }))).toBe('APP_IN_USE');
  });

  test('its secret is replaced once for all three tenants', async () => {
    const names = await Promise.all(
      bots.map((bot) => connect(bot.connection('before-the-exchange'), { app: shared.app })),
    );
    const { value } = scenario.sandbox.addSecret(shared.clientId);
    await scenario.apps.addCredential({
      parent: shared.app,
      credentialId: 'next',
      credential: { material: { case: 'clientSecret', value } },
    });
    scenario.sandbox.removeSecret(shared.clientId, shared.secret);
    await scenario.later(2 * 3_600_000);

    expect(await Promise.all(names.map((name) => reasonOf(token(name))))).toEqual(['OK', 'OK', 'OK']);
  });

  test('is usable by tenants that it is shared with, and visible to its owner only', async () => {
    expect(await reasonOf(start(manual.connection('curious'), { app: shared.app }))).toBe('APP_NOT_FOUND');
    const { apps } = await scenario.apps.listApps({ parent: bots[0]?.name ?? '' });
    expect(apps).toEqual([]);
  });
});

test('another tenant has its own app and secret', async () => {
  const connection = await connect(manual.connection('mailbox'), { as: ALAN });

  const { accessToken } = await token(connection);
  expect(await scenario.use('/graph/v1.0/me/messages', accessToken)).toBe(200);
  expect(scenario.asked(manual.clientId, 'authorization_code')).toHaveLength(1);
  expect(manual.clientId).not.toBe(shared.clientId);
});

test('all bots share one callback, but a response for one cannot be used for another', async () => {
  const [mine, theirs] = bots.map((bot) => bot.connection('mixed-up'));
  const { authorizationUri } = await start(mine ?? '', { app: shared.app });
  await start(theirs ?? '', { app: shared.app });
  const call = await webhookCall(authorizationUri);

  expect(await reasonOf(handOver(theirs ?? '', call))).toBe('STATE_INVALID');
  expect(await reasonOf(token(theirs ?? ''))).toBe('CONNECTION_PENDING');
});

describe('finding a connection by its external id', () => {
  test('that the integration sets when it connects', async () => {
    const [bot] = bots;
    const name = await connect(bot?.connection('found') ?? '', { app: shared.app, externalId: 'workspace-17' });

    expect(await found(bot?.name ?? '', 'workspace-17')).toEqual([name]);
    expect(await found(bot?.name ?? '', 'workspace-18')).toEqual([]);
  });

  test('two tenants can use the same external id', async () => {
    const [one, , other] = bots;
    const names = [one, other].map((bot) => bot?.connection('twin') ?? '');
    for (const name of names) await connect(name, { app: shared.app, externalId: 'workspace-twin' });

    expect(await found(one?.name ?? '', 'workspace-twin')).toEqual([names[0]]);
    expect(await found(other?.name ?? '', 'workspace-twin')).toEqual([names[1]]);
    expect((await found('tenants/-', 'workspace-twin')).toSorted()).toEqual(names.toSorted());
  });

  test('two connections of one tenant cannot use the same external id', async () => {
    const [bot] = bots;
    const holder = await connect(bot?.connection('holder') ?? '', { app: shared.app, externalId: 'workspace-one' });
    const second = bot?.connection('second') ?? '';

    const failure = await failureOf(start(second, { app: shared.app, externalId: 'workspace-one' }));
    expect(failure).toMatchObject({ reason: 'CONNECTION_EXISTS', metadata: { resource: holder } });
    await connect(second, { app: shared.app });
    const rename = () =>
      scenario.connections.updateConnection({ connection: { name: second, externalId: 'workspace-one' } });
    expect(await reasonOf(rename())).toBe('CONNECTION_EXISTS');
    expect(await found(bot?.name ?? '', 'workspace-one')).toEqual([holder]);

    await scenario.connections.deleteConnection({ name: holder });
    expect(await reasonOf(rename())).toBe('OK');
    expect(await found(bot?.name ?? '', 'workspace-one')).toEqual([second]);
  });

  test('reconnecting keeps the external id', async () => {
    const [bot] = bots;
    const wish = { app: shared.app, externalId: 'workspace-again' };
    const name = await connect(bot?.connection('again') ?? '', wish);
    await connect(name, wish);
    await connect(name, { app: shared.app });

    expect(await found(bot?.name ?? '', 'workspace-again')).toEqual([name]);
  });
});
