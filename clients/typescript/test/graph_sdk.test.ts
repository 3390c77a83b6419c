import { createGraphServiceClient, GraphRequestAdapter } from '@microsoft/msgraph-sdk';
import { GraphAzureIdentityAuthenticationProvider } from '@microsoft/msgraph-sdk-core';
import '@microsoft/msgraph-sdk-users';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ClientCapability } from '../../../src/gen/tokenvault/v1/app_pb.ts';
import { ADA, type GraphScenario, startGraphScenario } from './start_graph_scenario.ts';

/** Tokens of an app that declares CP1 are valid for 20 to 28 of them. */
const HOUR = 3_600_000;

let stage: GraphScenario;
let me: () => Promise<string | null | undefined>;
beforeAll(async () => {
  stage = await startGraphScenario(({ apps }, { app }) =>
    apps.updateApp({ app: { name: app, clientCapabilities: [ClientCapability.CP1] } }),
  );
  const { credential, graphUrl } = stage;
  const scopes = ['https://graph.microsoft.com/.default'];
  const hosts = new Set([new URL(graphUrl).hostname]);
  const authentication = new GraphAzureIdentityAuthenticationProvider(credential, scopes, undefined, hosts);
  const adapter = new GraphRequestAdapter(authentication);
  adapter.baseUrl = `${graphUrl}/v1.0`;
  const graph = createGraphServiceClient(adapter);
  me = async () => (await graph.me.get())?.userPrincipalName;
});
afterAll(() => stage.close());

test('msgraph-sdk runs unchanged, and its one repeated request answers a claims challenge', async () => {
  const { scenario, tenant, graphRequests } = stage;
  expect(await me()).toBe(ADA);
  const before = { graph: graphRequests(), exchanges: scenario.asked(tenant.clientId).length };
  scenario.sandbox.challengeUser(ADA);
  expect(await me()).toBe(ADA);
  expect(graphRequests() - before.graph).toBe(2);
  expect(scenario.asked(tenant.clientId).length - before.exchanges).toBe(1);
});

test('msgraph-sdk runs unchanged while the vault is away', async () => {
  await stage.scenario.vault.stop();
  for (let round = 0; round < 20; round += 1) expect(await me()).toBe(ADA);
  await stage.scenario.restart();
  expect(await me()).toBe(ADA);
});

test('past the expiry of its token, msgraph-sdk fails with UNAVAILABLE until the vault is back', async () => {
  await stage.scenario.vault.stop();
  await stage.scenario.later(30 * HOUR);
  await expect(me()).rejects.toMatchObject({ code: 'UNAVAILABLE', reason: 'VAULT_UNREACHABLE' });
  await stage.scenario.restart();
  await expect.poll(() => me().catch((error: Error) => error.message)).toBe(ADA);
});
