import type { Config } from './config/config.ts';
import { isKeyBesideDatabase } from './config/key_beside_database.ts';
import { ACME_CLIENT_ID, ACME_SECRET } from './sandbox/seed.ts';
import { createPinoLog } from './telemetry/pino_log.ts';
import { whereItArose } from './telemetry/where_it_arose.ts';
import { startVault, type Vault } from './vault.ts';

/** Runs the vault until a signal ends it; a second one forces the end. Resolves with the exit code. */
export async function serve(config: Config, version: string): Promise<number> {
  const log = createPinoLog(config.logLevel);
  // Every answer is durable before it leaves, so an end at any moment loses nothing; a message could hold a secret.
  process.on('uncaughtException', (error) => {
    log.event('error', 'vault_crashed', whereItArose(error));
    process.exit(SOFTWARE_ERROR);
  });
  const stopping = nextSignal();

  const vault = await startVault(config);
  // A signal that came meanwhile is not lost, and a container's first process gets no other.
  if (!stopping.received) {
    log.event('info', 'vault_started', { version, ...namesOf(vault) });
    console.log(welcome(vault, config, version));
  }
  const signal = await stopping.signal;
  log.event('info', 'vault_stopping', { signal });
  console.log(`${signal}: finishing what is under way; once more to force`);
  try {
    await vault.stop();
  } catch (error) {
    log.event('error', 'vault_crashed', whereItArose(error));
    return SOFTWARE_ERROR;
  }
  log.event('info', 'vault_stopped', {});
  return 0;
}

/** sysexits.h */
const SOFTWARE_ERROR = 70;

function nextSignal(): { readonly received: boolean; readonly signal: Promise<NodeJS.Signals> } {
  const { promise, resolve } = Promise.withResolvers<NodeJS.Signals>();
  let received = false;
  const receive = (signal: NodeJS.Signals) => {
    if (received) process.exit(1);
    received = true;
    resolve(signal);
  };
  process.on('SIGTERM', receive);
  process.on('SIGINT', receive);
  return {
    get received() {
      return received;
    },
    signal: promise,
  };
}

function namesOf({ addresses: { grpc, admin, web, ops } }: Vault) {
  return { grpcAddress: grpc, adminAddress: admin, webAddress: web, opsAddress: ops };
}

function welcome({ addresses, sandboxUrl }: Vault, config: Config, version: string): string {
  const lines = [
    `Token Vault ${version}`,
    `  tokens  grpc://${addresses.grpc}`,
    `  admin   grpc://${addresses.admin}`,
    `  web     ${config.publicUrl}  (listens on ${addresses.web})`,
    `  ops     http://${addresses.ops}/metrics /livez /readyz`,
  ];
  if (config.callersFile === undefined) {
    lines.push(
      '',
      'WARNING: no callers file, so whoever reaches these loopback ports may do everything (TOKENVAULT_CALLERS_FILE).',
    );
  }
  if (isKeyBesideDatabase(config)) {
    lines.push('', 'WARNING: the root key lies beside its database, so a backup takes both (TOKENVAULT_KEY_SOURCE).');
  }
  if (sandboxUrl !== undefined) {
    lines.push('', `SANDBOX: Entra and the time are pretended by ${sandboxUrl} (curl -s ${sandboxUrl}/sandbox).`);
  }
  const app =
    sandboxUrl === undefined
      ? { client_id: 'CLIENT-ID', client_secret: 'CLIENT-SECRET', sign_in_audience: 'organizations' }
      : { client_id: ACME_CLIENT_ID, client_secret: ACME_SECRET, sign_in_audience: 'common', cloud: 'CLOUD_CUSTOM' };
  const request = JSON.stringify({ tenant_id: 'acme', display_name: 'Acme', preset: 'aurinko', app });
  lines.push(
    '',
    'Register a tenant:',
    '',
    `  grpcurl -plaintext -d '${request}' ${addresses.admin} tokenvault.v1.TenantService/RegisterTenant`,
    '',
    'or, without grpcurl:',
    '',
    `  npx buf curl --protocol grpc --http2-prior-knowledge --reflect -d '${request}' ${bufAddress(addresses.admin)}/tokenvault.v1.TenantService/RegisterTenant`,
    '',
  );
  return lines.join('\n');
}

/** buf curl takes a socket apart from the address. */
function bufAddress(address: string): string {
  return address.startsWith('unix:')
    ? `--unix-socket ${address.slice('unix:'.length)} http://localhost`
    : `http://${address}`;
}
