import { afterAll, beforeAll, expect, test } from 'vitest';
import { ClientCapability } from '../../../src/gen/tokenvault/v1/app_pb.ts';
import { importAda, type Onboarded, onboard } from '../../../test/scenarios/onboard.ts';
import { type Scenario, startScenario } from '../../../test/scenarios/start_scenario.ts';
import { createTokenFetch } from '../src/token_fetch.ts';
import { TokenVault } from '../src/token_vault.ts';

let scenario: Scenario;
let tenant: Onboarded;
let vault: TokenVault;
beforeAll(async () => {
  scenario = await startScenario();
  tenant = await onboard(scenario, 'acme');
  vault = new TokenVault({ address: scenario.vault.addresses.grpc, now: () => scenario.sandbox.clock.now() });
});
afterAll(async () => {
  vault.close();
  await scenario.close();
});

const graphRequests = () => scenario.sandbox.requests().filter(({ endpoint }) => endpoint === 'graph').length;
const exchanges = () => scenario.asked(tenant.clientId).length;
const me = (connection: string) =>
  createTokenFetch(vault, {
    connection,
    scopes: ['Mail.ReadOnly'],
    allowedHosts: [new URL(scenario.sandbox.url).host],
  })(`${scenario.sandbox.url}/graph/v1.0/me`);

test('a claims challenge is answered by one exchange and exactly one repeated request', async () => {
  await scenario.apps.updateApp({ app: { name: tenant.app, clientCapabilities: [ClientCapability.CP1] } });
  const connection = await importAda(scenario, tenant, 'evaluated');
  expect((await me(connection)).status).toBe(200);
  const before = { graph: graphRequests(), exchanges: exchanges() };

  scenario.sandbox.challengeUser('ada@contoso.example');
  expect((await me(connection)).status).toBe(200);
  expect(graphRequests() - before.graph).toBe(2);
  expect(exchanges() - before.exchanges).toBe(1);

  // The new token is kept, and the token of an app without the capability is not challenged.
  expect((await me(connection)).status).toBe(200);
  expect(graphRequests() - before.graph).toBe(3);
});

test('without the opt-in of the app, tokens are ordinary ones, which Graph does not challenge', async () => {
  const other = await onboard(scenario, 'beta');
  const connection = await importAda(scenario, other, 'ordinary');
  expect((await me(connection)).status).toBe(200);
  scenario.sandbox.challengeUser('ada@contoso.example');
  const before = graphRequests();
  expect((await me(connection)).status).toBe(200);
  expect(graphRequests() - before).toBe(1);
});
