import { Client } from '@microsoft/microsoft-graph-client';
import { TokenCredentialAuthenticationProvider } from '@microsoft/microsoft-graph-client/authProviders/azureTokenCredentials/index.js';
import { expect, onTestFinished, test } from 'vitest';
import { ADA, startGraphScenario } from './start_graph_scenario.ts';

test('microsoft-graph-client runs unchanged while the vault is away and comes back', async () => {
  const { scenario, credential, graphUrl, close } = await startGraphScenario();
  onTestFinished(close);
  const scopes = ['https://graph.microsoft.com/.default'];
  const graph = Client.initWithMiddleware({
    authProvider: new TokenCredentialAuthenticationProvider(credential, { scopes }),
    baseUrl: `${graphUrl}/`,
    customHosts: new Set([new URL(graphUrl).hostname]),
  });
  const me = async () => (await graph.api('/me').get()).userPrincipalName;

  expect(await me()).toBe(ADA);
  await scenario.vault.stop();
  for (let round = 0; round < 5; round += 1)
    expect(new Set(await Promise.all(Array.from({ length: 10 }, me)))).toEqual(new Set([ADA]));
  await scenario.later(2 * 3_600_000);
  await expect(me()).rejects.toThrow('Token Vault cannot be reached');
  await scenario.restart();
  await expect.poll(() => me().catch((error: Error) => error.message)).toBe(ADA);
});
