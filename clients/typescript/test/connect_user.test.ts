import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newApiKey } from '../../../src/model/api_key.ts';
import { CONTOSO } from '../../../src/sandbox/state/seed_data.ts';
import { CONTOSO_USER, type Onboarded, onboard, RETURN_URL } from '../../../test/scenarios/onboard.ts';
import type { Clients, Scenario } from '../../../test/scenarios/start_scenario.ts';
import { startWithCallers } from '../../../test/scenarios/start_with_callers.ts';
import type { ConnectLinks } from '../src/connect_user.ts';
import { TokenVault } from '../src/token_vault.ts';
import { TokenVaultError } from '../src/token_vault_error.ts';

const keys = { admin: newApiKey('admin'), product: newApiKey('product') };
const rulesOf = (...roles: readonly string[]) => roles.map((role) => ({ role, tenants: ['*'] }));
const scopes = ['Mail.ReadOnly'];

let scenario: Scenario;
let admin: Clients;
let tenant: Onboarded;
let vault: TokenVault;
beforeAll(async () => {
  ({ scenario } = await startWithCallers(
    { id: 'admin', ...keys.admin, rules: rulesOf('admin', 'operator') },
    { id: 'product', ...keys.product, rules: rulesOf('connector', 'token_reader') },
  ));
  writeFileSync(join(scenario.folder, 'api-key'), keys.product.key);
  admin = scenario.clients({ apiKey: keys.admin.key });
  tenant = await onboard({ ...scenario, tenants: admin.tenants }, 'acme');
  vault = new TokenVault({
    address: scenario.vault.addresses.grpc,
    apiKeyFile: join(scenario.folder, 'api-key'),
    now: () => scenario.sandbox.clock.now(),
  });
});
afterAll(async () => {
  vault.close();
  admin.close();
  await scenario.close();
});

const failureOf = (call: Promise<unknown>) => call.then(() => undefined).catch((error: unknown) => error);

async function signIn({ connectUri }: ConnectLinks, choice: { readonly declines?: boolean } = {}): Promise<string> {
  const { url } = await scenario.browser.walk(connectUri, { as: CONTOSO_USER, ...choice });
  return url.searchParams.get('confirmation') ?? '';
}

test('a program waits until a user has connected and the grant is confirmed, also while the vault restarts', async () => {
  const connection = tenant.connection('ada');
  const links = await vault.connect({ connection, scopes, returnUrl: RETURN_URL });
  const { authorizationId } = links;
  const waiting = Promise.all([
    vault.waitUntilConnected({ connection }),
    vault.waitUntilConnected({ connection, authorizationId }),
  ]);

  await scenario.restart();
  const confirmation = await signIn(links);
  // `confirm` is not repeated, and the client may not have connected again yet.
  const product = scenario.clients({ apiKey: keys.product.key });
  await product.connections.confirmAuthorization({ connection, confirmation });
  product.close();

  await waiting;
  await vault.waitUntilConnected({ connection, authorizationId });
  expect(await vault.getAccessToken({ connection, scopes })).toMatchObject({ resource: 'https://graph.microsoft.com' });
});

test('a user who cancels, or is refused, ends the wait with an error', async () => {
  const connection = tenant.connection('refused');
  const cancelled = await vault.connect({ connection, scopes, autoConfirm: true });
  const first = failureOf(vault.waitUntilConnected({ connection, authorizationId: cancelled.authorizationId }));
  await fetch(`${cancelled.connectUri}?cancel`, { method: 'POST', redirect: 'manual' });

  const declined = await vault.connect({ connection, scopes, autoConfirm: true });
  const second = failureOf(vault.waitUntilConnected({ connection, authorizationId: declined.authorizationId }));
  await signIn(declined, { declines: true });

  expect(await first).toBeInstanceOf(TokenVaultError);
  expect(await first).toMatchObject({ reason: 'AUTHORIZATION_CANCELLED', whoActs: 'user' });
  expect(await second).toMatchObject({
    code: 'FAILED_PRECONDITION',
    reason: 'AUTHORIZATION_DECLINED',
    metadata: { resource: connection },
  });
});

test('a link that expires ends the wait with an error', async () => {
  const connection = tenant.connection('late');
  await vault.connect({ connection, scopes, autoConfirm: true });
  const waiting = failureOf(vault.waitUntilConnected({ connection }));
  await scenario.later(24 * 3_600_000);
  expect(await waiting).toMatchObject({ reason: 'AUTHORIZATION_EXPIRED', whoActs: 'user' });
});

test('a wait ends when its signal aborts, and when there is nothing to wait for', async () => {
  const connection = tenant.connection('aborted');
  await vault.connect({ connection, scopes, autoConfirm: true });
  const leaving = new AbortController();
  const waiting = failureOf(vault.waitUntilConnected({ connection }, { signal: leaving.signal }));
  leaving.abort();
  expect(await waiting).toMatchObject({ name: 'AbortError' });

  const nobody = failureOf(vault.waitUntilConnected({ connection: tenant.connection('nobody') }));
  expect(await nobody).toMatchObject({ reason: 'CONNECTION_NOT_FOUND', whoActs: 'caller' });
});

test('a batch has the tokens of the connections and the reason of the one that is missing', async () => {
  const names = ['one', 'two'].map((id) => tenant.connection(id));
  for (const connection of names) {
    const links = await vault.connect({ connection, scopes, autoConfirm: true });
    await signIn(links);
    await vault.waitUntilConnected({ connection });
  }

  const results = await vault.getAccessTokens(
    [...names, tenant.connection('missing')].map((connection) => ({ connection, scopes })),
  );

  const single = await vault.getAccessToken({ connection: names[1] ?? '', scopes });
  expect(results[1]).toEqual(single);
  expect(results[0]).not.toEqual(single);
  expect(results[2]).toMatchObject({ code: 'NOT_FOUND', reason: 'CONNECTION_NOT_FOUND', whoActs: 'caller' });
});

test('the token of an app itself is served, and kept', async () => {
  const request = { app: tenant.app, resource: 'https://graph.microsoft.com', directoryId: CONTOSO };
  const first = await vault.getAppAccessToken(request);
  expect(await scenario.use('/graph/v1.0/users', first.token)).not.toBe(401);
  expect(await vault.getAppAccessToken(request)).toBe(first);
});
