import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { createGraphServiceClient, GraphRequestAdapter } from '@microsoft/msgraph-sdk';
import { GraphAzureIdentityAuthenticationProvider } from '@microsoft/msgraph-sdk-core';
import '@microsoft/msgraph-sdk-users';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newApiKey } from '../../../src/model/api_key.ts';
import { importAda, onboard } from '../../../test/scenarios/onboard.ts';
import type { Scenario } from '../../../test/scenarios/start_scenario.ts';
import { startScenarioWithCallers } from '../../../test/scenarios/start_with_callers.ts';
import { TokenVault } from '../src/token_vault.ts';
import { TokenVaultCredential } from '../src/token_vault_credential.ts';

const keys = { admin: newApiKey('admin'), reader: newApiKey('reader'), sender: newApiKey('sender') };
const reads = (scope: string) => [{ role: 'token_reader', tenants: ['acme'], scopes: [scope], excess: 'ALLOW' }];

let scenario: Scenario;
let connection: string;
const vaults: TokenVault[] = [];
beforeAll(async () => {
  const callers = [
    { id: 'admin', ...keys.admin, rules: [{ role: 'operator', tenants: ['*'] }] },
    { id: 'reader', ...keys.reader, rules: reads('Mail.ReadOnly') },
    { id: 'sender', ...keys.sender, rules: reads('Mail.Send') },
  ];
  ({ scenario } = await startScenarioWithCallers(callers, { sandbox: { tlsPort: 0 } }));
  setDefaultCACertificates([...getCACertificates('default'), readFileSync(scenario.sandbox.tls?.caFile ?? '', 'utf8')]);
  const admin = scenario.clients({ apiKey: keys.admin.key });
  const tenant = await onboard({ ...scenario, tenants: admin.tenants }, 'acme');
  connection = await importAda({ ...scenario, connections: admin.connections }, tenant, 'ada');
  admin.close();
});
afterAll(async () => {
  for (const vault of vaults) vault.close();
  await scenario.close();
});

/** The account as msgraph-sdk reads it, with a token for `scope`. */
async function readAccount(caller: 'reader' | 'sender', scope: string): Promise<string | null | undefined> {
  const apiKeyFile = join(scenario.folder, `${caller}.key`);
  writeFileSync(apiKeyFile, keys[caller].key);
  const address = scenario.vault.addresses.grpc;
  const vault = new TokenVault({ address, apiKeyFile, now: () => scenario.sandbox.clock.now() });
  vaults.push(vault);
  const graphUrl = `${scenario.sandbox.tls?.url}/graph`;
  const hosts = new Set([new URL(graphUrl).hostname]);
  const credential = new TokenVaultCredential(vault, { connection });
  const adapter = new GraphRequestAdapter(
    new GraphAzureIdentityAuthenticationProvider(credential, [scope], undefined, hosts),
  );
  adapter.baseUrl = `${graphUrl}/v1.0`;
  return (await createGraphServiceClient(adapter).me.get())?.userPrincipalName;
}

test.each(['https://graph.microsoft.com/.default', 'https://graph.microsoft.com//.default'])(
  'msgraph-sdk gets the scopes of the connection for %s, within the ceiling of the caller',
  async (scope) => {
    expect(await readAccount('reader', scope)).toBe('ada@contoso.example');
  },
);

test('msgraph-sdk gets no token for all scopes of the connection above the ceiling', async () => {
  await expect(readAccount('sender', 'https://graph.microsoft.com/.default')).rejects.toMatchObject({
    reason: 'SCOPE_ABOVE_CEILING',
    whoActs: 'operator',
  });
});
