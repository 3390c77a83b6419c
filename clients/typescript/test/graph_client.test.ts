import { readFileSync } from 'node:fs';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { Client } from '@microsoft/microsoft-graph-client';
import { TokenCredentialAuthenticationProvider } from '@microsoft/microsoft-graph-client/authProviders/azureTokenCredentials/index.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { importAda, onboard } from '../../../test/scenarios/onboard.ts';
import { type Scenario, startScenario } from '../../../test/scenarios/start_scenario.ts';
import { TokenVault } from '../src/token_vault.ts';
import { TokenVaultCredential } from '../src/token_vault_credential.ts';

let scenario: Scenario;
let vault: TokenVault;
let graph: Client;
beforeAll(async () => {
  scenario = await startScenario({ sandbox: { tlsPort: 0 } });
  const { tls } = scenario.sandbox;
  if (tls === undefined) throw new Error('the sandbox has no TLS');
  setDefaultCACertificates([...getCACertificates('default'), readFileSync(tls.caFile, 'utf8')]);
  const connection = await importAda(scenario, await onboard(scenario, 'acme'), 'ada');
  vault = new TokenVault({ address: scenario.vault.addresses.grpc, now: () => scenario.sandbox.clock.now() });
  const scopes = ['https://graph.microsoft.com/.default'];
  graph = Client.initWithMiddleware({
    authProvider: new TokenCredentialAuthenticationProvider(new TokenVaultCredential(vault, { connection }), {
      scopes,
    }),
    baseUrl: `${tls.url}/graph/`,
    customHosts: new Set([new URL(tls.url).hostname]),
  });
});
afterAll(async () => {
  vault.close();
  await scenario.close();
});

const me = async () => (await graph.api('/me').get()).userPrincipalName;

test('microsoft-graph-client runs unchanged while the vault is away and comes back', async () => {
  expect(await me()).toBe('ada@contoso.example');
  await scenario.vault.stop();
  for (let round = 0; round < 5; round += 1)
    expect(new Set(await Promise.all(Array.from({ length: 10 }, me)))).toEqual(new Set(['ada@contoso.example']));
  await scenario.restart();
  await scenario.later(2 * 3_600_000);
  await expect.poll(() => me().catch((error: Error) => error.message)).toBe('ada@contoso.example');
});
