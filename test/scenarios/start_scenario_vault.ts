import { readConfig } from '../../src/config/read_config_from_environment.ts';
import { type Seams, startVault, type Vault } from '../../src/startup/start_vault.ts';
import { prefixed } from './spawn_serve.ts';
import { serveProgram } from './vault_program.ts';

export type ScenarioVault = Pick<Vault, 'addresses' | 'stop'>;

interface ScenarioVaultParts {
  readonly folder: string;
  /** With the four addresses; names without `TOKENVAULT_`. */
  readonly environment: Readonly<Record<string, string>>;
  readonly seams: Seams | undefined;
}

/**
 * The vault of a scenario: in this process, or with SCENARIOS=bundle the program as `npm run build` makes it. A scenario
 * with seams always runs in this process.
 */
export async function startScenarioVault({ folder, environment, seams }: ScenarioVaultParts): Promise<ScenarioVault> {
  if (process.env['SCENARIOS'] !== 'bundle' || seams !== undefined)
    return startVault(readConfig(prefixed(environment)), seams);
  const program = await serveProgram(folder, environment, metadataService());
  const addressOf = (name: string) => environment[`${name}_ADDRESS`] ?? '';
  return {
    addresses: { grpc: addressOf('GRPC'), admin: addressOf('ADMIN'), web: addressOf('WEB'), ops: addressOf('OPS') },
    async stop() {
      const { code, stderr } = await program.stop();
      if (code !== 0) throw new Error(`The vault exited with ${code}: ${stderr}`);
    },
  };
}

/** The address of a fake metadata service, which it sets for this process. */
function metadataService(): Record<string, string> {
  const name = 'AZURE_POD_IDENTITY_AUTHORITY_HOST';
  const address = process.env[name];
  return address === undefined ? {} : { [name]: address };
}
