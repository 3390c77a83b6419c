import { TokenSource } from '../gen/tokenvault/v1/access_token_pb.ts';
import { Cloud } from '../gen/tokenvault/v1/app_pb.ts';
import { AppService } from '../gen/tokenvault/v1/app_service_pb.ts';
import { Connection_State } from '../gen/tokenvault/v1/connection_pb.ts';
import { ConnectionService } from '../gen/tokenvault/v1/connection_service_pb.ts';
import { TenantService } from '../gen/tokenvault/v1/tenant_service_pb.ts';
import { TokenService } from '../gen/tokenvault/v1/token_service_pb.ts';
import { createClient } from '../rpc/client.ts';
import { walk } from './browser.ts';
import { expect, type Narrator } from './narrator.ts';
import type { PretendEntra } from './pretend_entra.ts';
import type { Program } from './program.ts';

/** Where the story plays. */
export interface Stage {
  readonly entra: PretendEntra;
  readonly grpcAddress: string;
  readonly adminAddress: string;
  readonly callbackUri: string;
  startEntra(): Promise<Program>;
  startVault(): Promise<Program>;
}

export const STEPS = 13;

/** Seeded in the sandbox; its secrets are pretend, and still not shown. */
const CLIENT_ID = '11111111-1111-4111-8111-111111111111';
const ADA = 'ada@contoso.example';
const TENANT = 'tenants/acme';
const APP = `${TENANT}/apps/default`;
const CONNECTION = `${TENANT}/connections/ada`;
const RETURN_URL = 'http://127.0.0.1:3000/connected';
const HOURS = 3_600_000;

export async function tellStory(stage: Stage, tell: Narrator): Promise<void> {
  const { entra } = stage;
  const tenants = createClient(TenantService, stage.adminAddress);
  const apps = createClient(AppService, stage.adminAddress);
  const connections = createClient(ConnectionService, stage.grpcAddress);
  const tokens = createClient(TokenService, stage.grpcAddress);

  const token = () => tokens.getAccessToken({ connection: CONNECTION, scopes: ['Mail.ReadOnly'] });
  const typed = (address: string, method: string, request: object) =>
    tell.command(`grpcurl -plaintext -d '${JSON.stringify(request)}' ${address} tokenvault.v1.${method}`);
  const typedToken = () =>
    typed(stage.grpcAddress, 'TokenService/GetAccessToken', { connection: CONNECTION, scopes: ['Mail.ReadOnly'] });
  const later = async (hours: number) => {
    tell.command(`curl -s ${entra.url}/sandbox/clock -d '{"advance_ms":${hours * HOURS}}'`);
    await entra.tell('clock', { advance_ms: hours * HOURS });
  };
  const exchanges = async () => (await entra.redemptions()).length;
  const refusal = async (work: () => Promise<unknown>): Promise<string> => {
    try {
      await work();
    } catch (error) {
      return (error as { reason?: string }).reason ?? String(error);
    }
    return 'OK';
  };
  const connect = async () => {
    const started = await connections.startAuthorization({
      connection: CONNECTION,
      scopes: ['Mail.ReadOnly', 'Calendar.ReadWrite'],
      returnUrl: RETURN_URL,
    });
    const returned = await walk(started.connectUri, ADA, RETURN_URL);
    expect(
      returned.searchParams.get('outcome') === 'granted',
      `the browser came back with ${returned.searchParams.get('outcome')}`,
    );
    const confirmation = returned.searchParams.get('confirmation') ?? '';
    const confirmed = await connections.confirmAuthorization({ connection: CONNECTION, confirmation });
    expect(confirmed.connection?.state === Connection_State.ACTIVE, 'the connection did not become ACTIVE');
    tell.fact(`${ADA} went through the connect page, Entra and the callback, and the product confirmed: ACTIVE`);
  };

  let vault: Program | undefined;

  await tell.step('A pretend Entra and the vault start, each a process of its own', async () => {
    tell.command('npm run sandbox');
    await stage.startEntra();
    await entra.tell(`apps/${CLIENT_ID}/redirect-uris`, { redirect_uri: stage.callbackUri });
    tell.command(`TOKENVAULT_SANDBOX=${entra.url} npm start`);
    vault = await stage.startVault();
    tell.fact(
      `gRPC on ${stage.grpcAddress} and ${stage.adminAddress}, SQLite and a new root key in a temporary folder`,
    );
  });

  await tell.step('An operator registers the tenant acme', async () => {
    typed(stage.adminAddress, 'TenantService/RegisterTenant', {
      tenant_id: 'acme',
      preset: 'aurinko',
      app: {
        client_id: CLIENT_ID,
        client_secret: '…',
        sign_in_audience: 'common',
        cloud: 'CLOUD_CUSTOM',
        return_url_prefixes: ['http://127.0.0.1:3000/'],
      },
    });
    const registered = await tenants.registerTenant({
      tenantId: 'acme',
      displayName: 'Acme',
      preset: 'aurinko',
      app: {
        clientId: CLIENT_ID,
        credential: { case: 'clientSecret', value: await seededSecret(entra) },
        signInAudience: 'common',
        cloud: Cloud.CUSTOM,
        returnUrlPrefixes: ['http://127.0.0.1:3000/'],
      },
    });
    for (const step of registered.nextSteps?.steps ?? []) tell.fact(`next: ${step}`);
    expect(registered.tenant?.name === TENANT, 'the tenant did not come back');
  });

  await tell.step('A user connects a mailbox', async () => {
    typed(stage.grpcAddress, 'ConnectionService/StartAuthorization', {
      connection: CONNECTION,
      scopes: ['Mail.ReadOnly', 'Calendar.ReadWrite'],
      return_url: RETURN_URL,
    });
    await connect();
  });

  await tell.step('A token for Mail.ReadOnly, and Graph takes it', async () => {
    typedToken();
    const answer = await token();
    tell.fact(
      `${answer.resource}: ${answer.permissions.join(' ')}; ${answer.accessToken.length} characters, from ${nameOf(TokenSource, answer.source)}`,
    );
    const status = await entra.use('/graph/v1.0/me/messages', answer.accessToken);
    tell.fact(`GET /me/messages with it: ${status}`);
    expect(status === 200, `Graph answered ${status}`);
  });

  await tell.step('The same again comes from memory', async () => {
    const before = await exchanges();
    typedToken();
    const answer = await token();
    tell.fact(`from ${nameOf(TokenSource, answer.source)}; Entra was asked ${(await exchanges()) - before} times`);
    expect(answer.source === TokenSource.CACHE, 'it did not come from memory');
    expect((await exchanges()) === before, 'Entra was asked');
  });

  await tell.step('Two hours later the token is over: refreshed, and the rotated refresh token is kept', async () => {
    await later(2);
    typedToken();
    const answer = await token();
    await later(2);
    await token();
    const [first, second] = (await entra.redemptions()).slice(-2);
    tell.fact(
      `from ${nameOf(TokenSource, answer.source)}; the next refresh presented the refresh token that this one brought`,
    );
    expect(answer.source === TokenSource.ENTRA, 'it was not refreshed');
    expect(
      first?.issued_refresh_token_id !== undefined &&
        first.issued_refresh_token_id === second?.presented_refresh_token_id,
      'the rotated refresh token was not stored',
    );
  });

  await tell.step('200 callers at once when it is over again: one exchange', async () => {
    await later(2);
    const before = await exchanges();
    const answers = await Promise.all(Array.from({ length: 200 }, token));
    const asked = (await exchanges()) - before;
    tell.fact(
      `${answers.length} answers, ${new Set(answers.map((one) => one.accessToken)).size} token, ${asked} exchange`,
    );
    expect(asked === 1, `Entra was asked ${asked} times`);
    expect(new Set(answers.map((one) => one.accessToken)).size === 1, 'the callers got different tokens');
  });

  await tell.step('The client secret expires: the app is blamed, not the user', async () => {
    tell.command(`curl -s ${entra.url}/sandbox/apps/${CLIENT_ID}/secrets/expire -d '{"secret":"…"}'`);
    await entra.tell(`apps/${CLIENT_ID}/secrets/expire`, { secret: await seededSecret(entra) });
    await later(2);
    typedToken();
    const reason = await refusal(token);
    const { connection } = await connections.getConnection({ name: CONNECTION });
    tell.fact(`${reason}; the connection is ${nameOf(Connection_State, connection?.state)}`);
    expect(reason === 'APP_CREDENTIAL_EXPIRED', `the answer was ${reason}`);
    expect(connection?.state === Connection_State.ACTIVE, 'the connection was blamed');
  });

  await tell.step('A second credential is added: it works again at once', async () => {
    const made = (await entra.tell(`apps/${CLIENT_ID}/secrets`, {})) as { value: string };
    typed(stage.adminAddress, 'AppService/AddCredential', {
      parent: APP,
      credential_id: 'second',
      credential: { client_secret: '…' },
    });
    await apps.addCredential({
      parent: APP,
      credentialId: 'second',
      credential: { material: { case: 'clientSecret', value: made.value } },
    });
    const answer = await token();
    tell.fact(`a token from ${nameOf(TokenSource, answer.source)}`);
    expect(answer.source === TokenSource.ENTRA, 'it was not refreshed');
  });

  await tell.step("The user's sessions are revoked: said once by Entra, then answered locally", async () => {
    tell.command(`curl -s -X POST ${entra.url}/sandbox/users/${ADA}/revoke-sessions`);
    await entra.tell(`users/${ADA}/revoke-sessions`);
    await later(2);
    const reason = await refusal(token);
    const before = await exchanges();
    const again = new Set(await Promise.all(Array.from({ length: 100 }, () => refusal(token))));
    const asked = (await exchanges()) - before;
    tell.fact(`${reason}; 100 more calls: ${[...again].join(', ')}, Entra was asked ${asked} times`);
    expect(reason === 'REAUTHORIZATION_REQUIRED', `the answer was ${reason}`);
    expect(again.size === 1 && again.has('REAUTHORIZATION_REQUIRED') && asked === 0, 'it was not answered locally');
  });

  await tell.step('The user connects again under the same name', async () => {
    await connect();
    const answer = await token();
    expect((await entra.use('/graph/v1.0/me/messages', answer.accessToken)) === 200, 'Graph refuses the token');
    tell.fact('a new token, and Graph takes it');
  });

  await tell.step('kill -9 in the middle of a refresh, and a new start', async () => {
    await later(2);
    const { id } = (await entra.tell('hold', { stage: 'answer' })) as { id: string };
    const lost = refusal(token);
    await (await fetch(`${entra.url}/sandbox/hold/${id}`)).json();
    tell.fact('Entra has rotated the refresh token; its answer is on the way');
    tell.command('kill -9 $(pgrep -f "token-vault serve")');
    await vault?.kill();
    await entra.tell(`hold/${id}/release`);
    tell.fact(`the caller got ${await lost}`);
    vault = await stage.startVault();
    const answer = await token();
    const status = await entra.use('/graph/v1.0/me/messages', answer.accessToken);
    tell.fact(`started again: a token from ${nameOf(TokenSource, answer.source)}, and Graph answers ${status}`);
    expect(status === 200, `Graph answered ${status}`);
  });

  await tell.step('The vault stops when it is told to', async () => {
    await vault?.stop();
    tell.fact('SIGTERM: finished what was under way, flushed, closed');
  });

  for (const client of [tenants, apps, connections, tokens]) client.close();
}

/** The sandbox shows its pretend secrets to whoever asks. */
async function seededSecret(entra: PretendEntra): Promise<string> {
  const world = (await (await fetch(`${entra.url}/sandbox`)).json()) as {
    apps: { client_id: string; secrets: { value: string }[] }[];
  };
  return world.apps.find((app) => app.client_id === CLIENT_ID)?.secrets[0]?.value ?? '';
}

/** Enums are plain objects here: their names are looked up. */
function nameOf(names: Readonly<Record<string, number>>, value: number | undefined): string {
  return Object.keys(names).find((name) => names[name] === value) ?? 'nothing';
}
