import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { newApiKey } from '../../../src/model/api_key.ts';
import { CONTOSO } from '../../../src/sandbox/state/seed_data.ts';
import { importAda, type Onboarded, onboard } from '../../../test/scenarios/onboard.ts';
import type { Clients, Scenario } from '../../../test/scenarios/start_scenario.ts';
import { startWithCallers } from '../../../test/scenarios/start_with_callers.ts';
import type { AccessToken } from '../src/access_token.ts';
import { TokenVault } from '../src/token_vault.ts';
import { TokenVaultCredential } from '../src/token_vault_credential.ts';
import { TokenVaultError } from '../src/token_vault_error.ts';

const keys = { admin: newApiKey('admin'), product: newApiKey('product') };
const rulesOf = (...roles: readonly string[]) => roles.map((role) => ({ role, tenants: ['*'] }));
const LIFETIME = 3_600_000;

let scenario: Scenario;
let admin: Clients;
let product: Clients;
let tenant: Onboarded;
let vault: TokenVault;
let connection: string;
let count = 0;
beforeAll(async () => {
  ({ scenario } = await startWithCallers(
    { id: 'admin', ...keys.admin, rules: rulesOf('admin', 'operator') },
    { id: 'product', ...keys.product, rules: rulesOf('connector', 'token_reader') },
  ));
  scenario.sandbox.settings.accessTokenLifetime = LIFETIME / 1_000;
  writeFileSync(join(scenario.folder, 'api-key'), keys.product.key);
  admin = scenario.clients({ apiKey: keys.admin.key });
  product = scenario.clients({ apiKey: keys.product.key });
  tenant = await onboard({ ...scenario, tenants: admin.tenants }, 'acme');
});
afterAll(async () => {
  admin.close();
  product.close();
  await scenario.close();
});
beforeEach(async () => {
  count += 1;
  connection = await importAda({ ...scenario, connections: product.connections }, tenant, `ada-${count}`);
  vault = new TokenVault({
    address: scenario.vault.addresses.grpc,
    apiKeyFile: join(scenario.folder, 'api-key'),
    timeout: 2_000,
    now: () => scenario.sandbox.clock.now(),
  });
});
afterEach(() => vault.close());

const get = () => vault.getAccessToken({ connection, scopes: ['Mail.ReadOnly'] });
const failureOf = async (call: Promise<unknown>) => {
  const error = await call.then(
    () => undefined,
    (failure: unknown) => failure,
  );
  expect(error).toBeInstanceOf(TokenVaultError);
  return error as TokenVaultError;
};

const pastRefreshTime = ({ refreshAt }: AccessToken) =>
  scenario.later(refreshAt.getTime() - scenario.sandbox.clock.now() + 1);

/** Calls of GetAccessToken that the vault has answered, by its own count. */
async function callsAtVault(): Promise<number> {
  const response = await fetch(`http://${scenario.vault.addresses.ops}/metrics`);
  const lines = (await response.text()).matchAll(/^tokenvault_calls_total\{method="([^"]+)".*\} (\d+)$/gm);
  return [...lines].reduce(
    (sum, [, method, calls]) => sum + (method?.endsWith('GetAccessToken') ? Number(calls) : 0),
    0,
  );
}

test('ten thousand requests for a token cause one call to the vault for each refresh time', async () => {
  const before = await callsAtVault();
  const first = await get();
  for (let round = 0; round < 100; round += 1) await Promise.all(Array.from({ length: 100 }, get));
  expect((await callsAtVault()) - before).toBe(1);
  expect(await scenario.use('/graph/v1.0/me', first.token)).toBe(200);

  // The vault serves the present token once more, while it gets a new one.
  await pastRefreshTime(first);
  const served = await Promise.all(Array.from({ length: 1_000 }, get));
  expect(new Set(served.map(({ token }) => token))).toEqual(new Set([first.token]));
  expect((await callsAtVault()) - before).toBe(2);

  await expect.poll(async () => (await get()).token).not.toBe(first.token);
  const renewed = await callsAtVault();
  for (let round = 0; round < 100; round += 1) await Promise.all(Array.from({ length: 100 }, get));
  expect(await callsAtVault()).toBe(renewed);
});

test('no call fails while the vault is away for less than the rest of the lifetime', async () => {
  const first = await get();
  await scenario.vault.stop();
  await pastRefreshTime(first);
  for (let round = 0; round < 20; round += 1)
    for (const { token } of await Promise.all(Array.from({ length: 50 }, get))) expect(token).toBe(first.token);
  await scenario.restart();
  await expect.poll(() => get().then(callsAtVault)).toBeGreaterThan(0);
});

test('past its expiry a token is not used, the error is UNAVAILABLE, and calls succeed when the vault is back', async () => {
  const first = await get();
  await scenario.vault.stop();
  await scenario.later(LIFETIME + 1);
  expect(await failureOf(get())).toMatchObject({ code: 'UNAVAILABLE', reason: 'VAULT_UNREACHABLE', whoActs: 'none' });
  await scenario.restart();
  await expect
    .poll(() =>
      get().then(
        ({ token }) => token,
        () => first.token,
      ),
    )
    .not.toBe(first.token);
});

test('a contained caller keeps a token until its refresh time, and watch ends at once', async () => {
  const first = await get();
  const watched = vault.watch({ connection, scopes: ['Mail.ReadOnly'] });
  expect((await watched.next()).value?.token).toBe(first.token);
  const subject = { case: 'tenant' as const, value: tenant.name };
  await admin.containments.contain({ subject: { subject }, reason: 'Breach' });
  try {
    expect(await failureOf(watched.next())).toMatchObject({ reason: 'CONTAINED', whoActs: 'operator' });
    expect((await get()).token).toBe(first.token);
    await pastRefreshTime(first);
    expect(await failureOf(get())).toMatchObject({ reason: 'CONTAINED', metadata: { contained: tenant.name } });
  } finally {
    await admin.containments.lift({ subject: { subject }, reason: 'Over' });
  }
  await expect
    .poll(() =>
      get().then(
        ({ token }) => token,
        () => first.token,
      ),
    )
    .not.toBe(first.token);
});

test('the vault says which directory a tenantId must name', async () => {
  const credential = new TokenVaultCredential(vault, { connection });
  const graph = 'https://graph.microsoft.com/.default';
  expect(await scenario.use('/graph/v1.0/me', (await credential.getToken(graph, { tenantId: CONTOSO })).token)).toBe(
    200,
  );
  const other = credential.getToken(graph, { tenantId: '1b2c3d4e-0000-4000-8000-00000000000b' });
  expect(await failureOf(other)).toMatchObject({ reason: 'TENANT_ID_MISMATCH', whoActs: 'caller' });
});

test('an error has the reason, the party that acts, and the facts of the vault', async () => {
  scenario.sandbox.revokeSessions('ada@contoso.example');
  await scenario.later(2 * LIFETIME);
  const error = await failureOf(get());
  expect(error).toMatchObject({ code: 'FAILED_PRECONDITION', reason: 'REAUTHORIZATION_REQUIRED', whoActs: 'user' });
  expect(error.metadata).toMatchObject({ resource: connection, entraError: expect.stringContaining('invalid_grant') });
  expect(error.metadata['correlationId']).toBeTruthy();
});

test('a user connects by the link, and the return URL confirms it', async () => {
  const name = tenant.connection('new-user');
  const returnUrl = 'http://127.0.0.1:3000/connected';
  const { connectUri } = await vault.connect({ connection: name, scopes: ['Mail.ReadOnly'], returnUrl });
  const { url } = await scenario.browser.walk(connectUri, { as: 'grace@contoso.example' });
  await vault.confirm({ connection: name, confirmation: url.searchParams.get('confirmation') ?? '' });
  const { token } = await vault.getAccessToken({ connection: name, scopes: ['https://graph.microsoft.com/.default'] });
  expect(await scenario.use('/graph/v1.0/me', token)).toBe(200);
});
