import type { Config } from './config.ts';
import { ACME_CLIENT_ID, ACME_SECRET } from './sandbox/seed.ts';
import { startVault, type Vault } from './vault.ts';

/** Runs the vault until a signal ends it; a second one forces the end. */
export async function serve(config: Config, version: string): Promise<void> {
  const vault = await startVault(config);
  console.log(welcome(vault, config, version));
  const { promise, resolve } = Promise.withResolvers<void>();
  let stopping = false;
  const stop = (signal: NodeJS.Signals) => {
    if (stopping) process.exit(1);
    stopping = true;
    console.log(`${signal}: finishing what is under way; once more to force`);
    vault.stop().then(resolve, (error: unknown) => {
      console.error(error);
      process.exit(1);
    });
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  await promise;
  process.off('SIGTERM', stop);
  process.off('SIGINT', stop);
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
  if (sandboxUrl !== undefined)
    lines.push('', `The pretend Entra listens on ${sandboxUrl} (curl -s ${sandboxUrl}/sandbox).`);
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
