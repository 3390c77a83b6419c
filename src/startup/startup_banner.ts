import { nodeAdvice } from '../config/check_node_version.ts';
import type { Config } from '../config/config_interface.ts';
import { isKeyNextToDatabase } from '../config/conflicting_settings.ts';
import { PERSONAL_DIRECTORY } from '../model/entra_app.ts';
import type { UserConsent } from '../sandbox/state/entra_directories.ts';
import type { Vault } from './start_vault.ts';

/** Addresses, warnings and the next command to type. */
export async function startupBanner(vault: Vault, config: Config, version: string): Promise<string> {
  const { grpc, admin, web, ops } = vault.addresses;
  const scheme = config.tls === undefined ? 'grpc' : 'grpcs';
  return [
    `Token Vault ${version}`,
    `  tokens  ${scheme}://${grpc}`,
    `  admin   ${scheme}://${admin}`,
    `  web     ${config.publicUrl}  (listens on ${web})`,
    `  ops     http://${ops}/status /metrics /livez /readyz`,
    ...(await warnings(vault, config)).flatMap((warning) => ['', warning]),
    '',
    'Register a tenant, if you have none yet:',
    '',
    ...(await registration(vault, config)),
    '',
  ].join('\n');
}

async function warnings({ sandboxUrl }: Vault, config: Config): Promise<string[]> {
  const found: string[] = [];
  if (config.callersFile === undefined) {
    found.push(
      'WARNING: no callers file. Any process that reaches these loopback ports has full access (TOKENVAULT_CALLERS_FILE).',
    );
  }
  if (isKeyNextToDatabase(config)) {
    found.push(
      'WARNING: the root key is in the folder of its database, so a backup includes both (TOKENVAULT_KEY_SOURCE).',
    );
  }
  const advice = nodeAdvice(process.versions.node);
  if (advice !== undefined) found.push(`WARNING: ${advice}`);
  if (sandboxUrl !== undefined) {
    found.push(
      `SANDBOX: Entra and the clock are simulated by ${sandboxUrl} (curl -s ${sandboxUrl}/sandbox).`,
      ...(await consentPolicies(sandboxUrl)),
    );
  }
  return found;
}

/** What the users of its directories may consent to. */
async function consentPolicies(sandboxUrl: string): Promise<string[]> {
  const { describeUserConsent } = await import('../sandbox/state/entra_directories.ts');
  const response = await fetch(`${sandboxUrl}/sandbox`, { signal: AbortSignal.timeout(2_000) }).catch(() => undefined);
  if (response?.ok !== true) return [];
  const { directories } = (await response.json()) as { directories: SandboxDirectory[] };
  return directories
    .filter(({ id }) => id !== PERSONAL_DIRECTORY)
    .map(
      ({ display_name: name, user_consent: policy }) =>
        `SANDBOX: users of ${name} consent by the policy ${policy}: ${describeUserConsent(policy)}`,
    );
}

interface SandboxDirectory {
  readonly id: string;
  readonly display_name: string;
  readonly user_consent: UserConsent;
}

const ADMIN = '127.0.0.1:50052';

/** The command, which asks for the client secret of a real registration. A vault with the sandbox runs in a checkout. */
async function registration({ addresses: { admin }, sandboxUrl }: Vault, { tls, callersFile }: Config) {
  const access = [
    ...(admin === ADMIN ? [] : [`--address ${admin}`]),
    ...(tls === undefined ? [] : ['--ca-file CA-FILE']),
    ...(callersFile === undefined ? [] : ['--api-key-file OPERATORS-KEY-FILE']),
  ];
  const command = ['tenants create acme --preset aurinko --client-secret-file -', ...access];
  if (sandboxUrl === undefined) return [`  token-vault ${[...command, '--client-id CLIENT-ID'].join(' ')}`];
  const { ACME_CLIENT_ID, ACME_SECRET } = await import('../sandbox/state/seed_data.ts');
  const app = [`--client-id ${ACME_CLIENT_ID}`, '--audience common', '--cloud custom'];
  return [`  echo '${ACME_SECRET}' | npm run token-vault -- ${[...command, ...app].join(' ')}`];
}
