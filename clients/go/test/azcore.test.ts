import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { ClientCapability } from '../../../src/gen/tokenvault/v1/app_pb.ts';
import { importAda, type Onboarded, onboard } from '../../../test/scenarios/onboard.ts';
import { type Scenario, startScenario } from '../../../test/scenarios/start_scenario.ts';
import { COMPILE_TIMEOUT, skipsGo } from './go.ts';
import { buildConsumer, type Consumer, type ConsumerProgram } from './start_consumer.ts';

const ADA = 'ada@contoso.example';
const ALL_WENT_WELL = { values: [ADA], failed: 0 };
/**
 * Milliseconds by which Entra and the vault are behind the clock of the machine, which azcore follows. So an hour's token
 * that is issued now has passed its refresh time, and is valid for some minutes.
 */
const BEHIND = 54 * 60_000;

describe.skipIf(skipsGo)('azcore, unmodified, over TLS', () => {
  let program: ConsumerProgram;
  let scenario: Scenario;
  let tenant: Onboarded;
  beforeAll(async () => {
    [program, scenario] = await Promise.all([buildConsumer(), startScenario({ sandbox: { tlsPort: 0 } })]);
    await scenario.later(-BEHIND);
    tenant = await onboard(scenario, 'acme');
  }, COMPILE_TIMEOUT);
  afterAll(async () => {
    program.remove();
    await scenario.close();
  });

  /** A program that reads the profile of Ada through a pipeline of azcore. */
  async function startGraphConsumer(id: string): Promise<Consumer> {
    const connection = await importAda(scenario, tenant, id);
    const { tls } = scenario.sandbox;
    const consumer = program.start({
      address: scenario.vault.addresses.grpc,
      connection,
      graphUrl: `${tls?.url}/graph`,
      caFile: tls?.caFile,
    });
    onTestFinished(() => consumer.stop());
    return consumer;
  }
  const graphRequests = () => scenario.sandbox.requests().filter(({ endpoint }) => endpoint === 'graph').length;

  test('one 401 with a claims challenge causes one exchange and one repeated request', async () => {
    await scenario.apps.updateApp({ app: { name: tenant.app, clientCapabilities: [ClientCapability.CP1] } });
    const consumer = await startGraphConsumer('challenged');
    expect(await consumer.run('me')).toEqual(ALL_WENT_WELL);
    const before = { graph: graphRequests(), exchanges: scenario.asked(tenant.clientId).length };
    scenario.sandbox.challengeUser(ADA);
    expect(await consumer.run('me')).toEqual(ALL_WENT_WELL);
    expect(graphRequests() - before.graph).toBe(2);
    expect(scenario.asked(tenant.clientId).length - before.exchanges).toBe(1);
    await scenario.apps.updateApp({ app: { name: tenant.app, clientCapabilities: [] } });
  });

  test('past the expiry of its token, calls fail with UNAVAILABLE until the vault is back', async () => {
    // The vault subtracts 30 s.
    scenario.sandbox.settings.accessTokenLifetime = BEHIND / 1_000 + 32;
    const consumer = await startGraphConsumer('expired');
    expect(await consumer.run('me')).toEqual(ALL_WENT_WELL);
    await scenario.vault.stop();
    await expect.poll(() => consumer.run('me'), { timeout: 60_000 }).toMatchObject({ failed: 1 });
    const { error } = await consumer.run('me');
    expect(error).toMatchObject({ code: 'UNAVAILABLE', reason: 'VAULT_UNREACHABLE', whoActs: 'none' });
    scenario.sandbox.settings.accessTokenLifetime = 3_600;
    await scenario.restart();
    await expect.poll(() => consumer.run('me')).toEqual(ALL_WENT_WELL);
  });

  test('no call fails while the vault is away for less than the rest of the lifetime', async () => {
    scenario.sandbox.settings.accessTokenLifetime = 3_600;
    const consumer = await startGraphConsumer('away');
    expect(await consumer.run('me')).toEqual(ALL_WENT_WELL);
    await scenario.vault.stop();
    expect(await consumer.run('me', { count: 1_000 })).toEqual(ALL_WENT_WELL);
    await scenario.restart();
    expect(await consumer.run('me')).toEqual(ALL_WENT_WELL);
  });
});
