import { readFileSync } from 'node:fs';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { importAda, type Onboarded, onboard } from '../../../test/scenarios/onboard.ts';
import { type Scenario, startScenario } from '../../../test/scenarios/start_scenario.ts';
import { TokenVault } from '../src/token_vault.ts';
import { TokenVaultCredential } from '../src/token_vault_credential.ts';

export const ADA = 'ada@contoso.example';

export interface GraphScenario {
  readonly scenario: Scenario;
  readonly tenant: Onboarded;
  readonly credential: TokenVaultCredential;
  /** Of the sandbox's Graph, over TLS with a CA that this process trusts. */
  readonly graphUrl: string;
  /** How many requests Graph has received. */
  graphRequests(): number;
  close(): Promise<void>;
}

/** A vault with a connection of Ada, for SDKs of Microsoft, which send tokens over https only. */
export async function startGraphScenario(
  prepare: (scenario: Scenario, tenant: Onboarded) => Promise<unknown> = async () => {},
): Promise<GraphScenario> {
  const scenario = await startScenario({ sandbox: { tlsPort: 0 } });
  const { tls } = scenario.sandbox;
  if (tls === undefined) throw new Error('the sandbox has no TLS');
  setDefaultCACertificates([...getCACertificates('default'), readFileSync(tls.caFile, 'utf8')]);
  const tenant = await onboard(scenario, 'acme');
  await prepare(scenario, tenant);
  const connection = await importAda(scenario, tenant, 'ada');
  const vault = new TokenVault({ address: scenario.vault.addresses.grpc, now: () => scenario.sandbox.clock.now() });
  return {
    scenario,
    tenant,
    credential: new TokenVaultCredential(vault, { connection }),
    graphUrl: `${tls.url}/graph`,
    graphRequests: () => scenario.sandbox.requests().filter(({ endpoint }) => endpoint === 'graph').length,
    async close() {
      vault.close();
      await scenario.close();
    },
  };
}
