import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ClientCapability } from '../../../src/gen/tokenvault/v1/app_pb.ts';
import { importAda, type Onboarded, onboard } from '../../../test/scenarios/onboard.ts';
import { type Scenario, startScenario } from '../../../test/scenarios/start_scenario.ts';
import { preparePython } from './python_environment.ts';
import { type PythonProgram, startPythonProgram } from './python_program.ts';

const ADA = 'ada@contoso.example';
const python = await preparePython('requirements.txt');

describe.skipIf(python === undefined)('msgraph-sdk for Python runs unchanged', () => {
  let scenario: Scenario;
  let tenant: Onboarded;
  let program: PythonProgram;
  beforeAll(async () => {
    scenario = await startScenario({ sandbox: { tlsPort: 0 } });
    tenant = await onboard(scenario, 'acme');
    await scenario.apps.updateApp({ app: { name: tenant.app, clientCapabilities: [ClientCapability.CP1] } });
    const connection = await importAda(scenario, tenant, 'ada');
    const { tls } = scenario.sandbox;
    program = startPythonProgram(
      python ?? '',
      'graph_program.py',
      { address: scenario.vault.addresses.grpc, connection, graph_url: `${tls?.url}/graph` },
      { SSL_CERT_FILE: tls?.caFile ?? '' },
    );
  });
  afterAll(async () => {
    await program.close();
    await scenario.close();
  });

  const me = (count = 1): Promise<string[]> => program.ask({ now: scenario.sandbox.clock.now(), count });
  const graphRequests = () => scenario.sandbox.requests().filter(({ endpoint }) => endpoint === 'graph').length;

  test('its one repeated request answers a claims challenge', async () => {
    expect(await me()).toEqual([ADA]);
    const before = { graph: graphRequests(), exchanges: scenario.asked(tenant.clientId).length };
    scenario.sandbox.challengeUser(ADA);
    expect(await me()).toEqual([ADA]);
    expect(graphRequests() - before.graph).toBe(2);
    expect(scenario.asked(tenant.clientId).length - before.exchanges).toBe(1);
  });

  test('no call fails while the vault is away for less than the rest of the lifetime', async () => {
    await me();
    await scenario.vault.stop();
    expect(new Set(await me(20))).toEqual(new Set([ADA]));
    // Past the refresh time.
    await scenario.later(15 * 3_600_000);
    expect(new Set(await me(20))).toEqual(new Set([ADA]));
    await scenario.restart();
    expect(await me()).toEqual([ADA]);
  });

  test('past the expiry, the error is UNAVAILABLE, and calls succeed when the vault is back', async () => {
    await me();
    await scenario.vault.stop();
    await scenario.later(30 * 3_600_000);
    expect(await me()).toEqual(['ClientAuthenticationError UNAVAILABLE VAULT_UNREACHABLE none']);
    await scenario.restart();
    await expect.poll(() => me()).toEqual([ADA]);
  });
});
