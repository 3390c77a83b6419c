import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { newApiKey } from '../../../src/model/api_key.ts';
import { CONTOSO } from '../../../src/sandbox/state/seed_data.ts';
import { importAda, type Onboarded, onboard, RETURN_URL } from '../../../test/scenarios/onboard.ts';
import type { Clients, Scenario } from '../../../test/scenarios/start_scenario.ts';
import { startWithCallers } from '../../../test/scenarios/start_with_callers.ts';
import { COMPILE_TIMEOUT, skipsGo } from './go.ts';
import { buildConsumer, type Consumer, type ConsumerProgram } from './start_consumer.ts';

const keys = { admin: newApiKey('admin'), product: newApiKey('product') };
const rulesOf = (...roles: readonly string[]) => roles.map((role) => ({ role, tenants: ['*'] }));
const LIFETIME = 3_600_000;
const SCOPES = ['Mail.ReadOnly'];

describe.skipIf(skipsGo)('the Go client with a vault', () => {
  let program: ConsumerProgram;
  let scenario: Scenario;
  let admin: Clients;
  let product: Clients;
  let tenant: Onboarded;
  let connection: string;
  let consumer: Consumer;
  let count = 0;
  beforeAll(async () => {
    program = await buildConsumer();
    ({ scenario } = await startWithCallers(
      { id: 'admin', ...keys.admin, rules: rulesOf('admin', 'operator') },
      { id: 'product', ...keys.product, rules: rulesOf('connector', 'token_reader') },
    ));
    scenario.sandbox.settings.accessTokenLifetime = LIFETIME / 1_000;
    writeFileSync(join(scenario.folder, 'api-key'), keys.product.key);
    admin = scenario.clients({ apiKey: keys.admin.key });
    product = scenario.clients({ apiKey: keys.product.key });
    tenant = await onboard({ ...scenario, tenants: admin.tenants }, 'acme');
  }, COMPILE_TIMEOUT);
  afterAll(async () => {
    program.remove();
    admin.close();
    product.close();
    await scenario.close();
  });
  beforeEach(async () => {
    count += 1;
    connection = await importAda({ ...scenario, connections: product.connections }, tenant, `ada-${count}`);
    const apiKeyFile = join(scenario.folder, 'api-key');
    consumer = program.start({ address: scenario.vault.addresses.grpc, connection, apiKeyFile });
    await later(0);
  });
  afterEach(() => consumer.stop());

  const get = (calls = 1) => consumer.run('token', { count: calls, scopes: SCOPES });
  const tokenOf = async () => (await get()).values[0];
  /** Advances the clocks of Entra, the vault and the client. */
  async function later(milliseconds: number): Promise<void> {
    await scenario.later(milliseconds);
    await consumer.run('clock', { clockOffset: scenario.sandbox.clock.offset() });
  }
  /** Past the refresh time, which is between 72 % and 88 % of the lifetime. */
  const pastRefreshTime = () => later(0.9 * LIFETIME);

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
    const first = await get(10_000);
    expect([first.values.length, first.failed]).toEqual([1, 0]);
    expect((await callsAtVault()) - before).toBe(1);
    expect(await scenario.use('/graph/v1.0/me', first.values[0] ?? '')).toBe(200);

    // The vault serves the present token once more, while it gets a new one.
    await pastRefreshTime();
    expect(await get(1_000)).toEqual(first);
    expect((await callsAtVault()) - before).toBe(2);

    await expect.poll(tokenOf).not.toBe(first.values[0]);
    const renewed = await callsAtVault();
    expect((await get(10_000)).values.length).toBe(1);
    expect(await callsAtVault()).toBe(renewed);
  });

  test('no call fails while the vault is away for less than the rest of the lifetime', async () => {
    const first = await get();
    await scenario.vault.stop();
    await pastRefreshTime();
    expect(await get(1_000)).toEqual(first);
    await scenario.restart();
    await expect.poll(() => get().then(callsAtVault)).toBeGreaterThan(0);
  });

  test('past its expiry a token is not used, and calls succeed when the vault is back', async () => {
    const [first] = (await get()).values;
    await scenario.vault.stop();
    await later(LIFETIME + 1);
    const { error } = await get();
    expect(error).toMatchObject({ code: 'UNAVAILABLE', reason: 'VAULT_UNREACHABLE', whoActs: 'none' });
    await scenario.restart();
    await expect.poll(async () => (await tokenOf()) ?? first).not.toBe(first);
  });

  test('a contained caller keeps a token until its refresh time, and Watch ends at once', async () => {
    const first = await get();
    await consumer.run('watch', { scopes: SCOPES });
    expect(await consumer.run('watched')).toEqual(first);
    const subject = { case: 'tenant' as const, value: tenant.name };
    await admin.containments.contain({ subject: { subject }, reason: 'Breach' });
    try {
      expect((await consumer.run('watched')).error).toMatchObject({ reason: 'CONTAINED', whoActs: 'operator' });
      expect(await get()).toEqual(first);
      await pastRefreshTime();
      const { error } = await get();
      expect(error).toMatchObject({ reason: 'CONTAINED', metadata: { contained: tenant.name } });
    } finally {
      await admin.containments.lift({ subject: { subject }, reason: 'Over' });
    }
    await expect.poll(async () => (await tokenOf()) ?? first.values[0]).not.toBe(first.values[0]);
  });

  test('the vault says which directory a TenantID must name', async () => {
    const { values } = await consumer.run('credential', { tenantId: CONTOSO });
    expect(await scenario.use('/graph/v1.0/me', values[0] ?? '')).toBe(200);
    const other = await consumer.run('credential', { tenantId: '1b2c3d4e-0000-4000-8000-00000000000b' });
    expect(other.error).toMatchObject({ reason: 'TENANT_ID_MISMATCH', whoActs: 'caller' });
  });

  test('an error has the reason, the party that acts, and the facts of the vault', async () => {
    scenario.sandbox.revokeSessions('ada@contoso.example');
    await later(2 * LIFETIME);
    const { error } = await get();
    expect(error).toMatchObject({ code: 'FAILED_PRECONDITION', reason: 'REAUTHORIZATION_REQUIRED', whoActs: 'user' });
    expect(error?.metadata).toMatchObject({
      resource: connection,
      entraError: expect.stringContaining('invalid_grant'),
    });
    expect(error?.metadata?.['correlationId']).toBeTruthy();
  });

  test('a user connects by the link, and the return URL confirms it', async () => {
    const name = tenant.connection('new-user');
    const request = { connection: name, scopes: SCOPES, returnUrl: RETURN_URL };
    const { values } = await consumer.run('connect', request);
    const { url } = await scenario.browser.walk(values[0] ?? '', { as: 'grace@contoso.example' });
    const confirmation = url.searchParams.get('confirmation');
    expect(await consumer.run('confirm', { connection: name, confirmation })).toMatchObject({ failed: 0 });
    const { accessToken } = await product.tokens.getAccessToken({ connection: name });
    expect(await scenario.use('/graph/v1.0/me', accessToken)).toBe(200);
  });
});
