import { dirname, resolve } from 'node:path';
import { isLoopbackAddress } from '../model/listen_address.ts';
import type { Config } from './config_interface.ts';
import type { Environment } from './environment_variable_schema.ts';

const POSTGRES_ONLY = [
  'DATABASE_PASSWORD_FILE',
  'DATABASE_CA_FILE',
  'DATABASE_POOL',
  'DATABASE_PREPARE',
  'DATABASE_LISTEN_URL',
  'MIGRATE',
] as const;

/** Combinations of settings that are invalid, although each setting is valid. */
export function contradictions(config: Config, env: Environment): string[] {
  const faults: string[] = [];
  if ((env.TLS_CERT_FILE === undefined) !== (env.TLS_KEY_FILE === undefined)) {
    faults.push('TOKENVAULT_TLS_CERT_FILE and TOKENVAULT_TLS_KEY_FILE: set both or neither');
  }
  if (env.TLS_CLIENT_CA_FILE !== undefined && config.tls === undefined) {
    faults.push('TOKENVAULT_TLS_CLIENT_CA_FILE: requires TOKENVAULT_TLS_CERT_FILE and TOKENVAULT_TLS_KEY_FILE');
  }
  if (env.TLS_CLIENT_CA_FILE !== undefined && config.callersFile === undefined) {
    faults.push(
      'TOKENVAULT_TLS_CLIENT_CA_FILE: requires TOKENVAULT_CALLERS_FILE, which names the certificates of callers',
    );
  }
  if (config.tls !== undefined && config.publicUrl.startsWith('http:')) {
    faults.push(
      'TOKENVAULT_PUBLIC_URL: is plain http, but the web listener uses TLS; set the https URL that browsers use',
    );
  }
  if (config.sandbox !== 'off' && config.customCloud !== undefined) {
    faults.push('TOKENVAULT_CUSTOM_CLOUD_LOGIN_URL: must not be set with TOKENVAULT_SANDBOX, which sets it');
  }
  if (env.CUSTOM_CLOUD_GRAPH_URL !== undefined && env.CUSTOM_CLOUD_LOGIN_URL === undefined) {
    faults.push('TOKENVAULT_CUSTOM_CLOUD_GRAPH_URL: requires TOKENVAULT_CUSTOM_CLOUD_LOGIN_URL');
  }
  if (config.eventGridKeyFile !== undefined && config.keyVaults.length === 0) {
    faults.push(
      'TOKENVAULT_EVENT_GRID_KEY_FILE: is for events of key vaults; name them in TOKENVAULT_KEY_VAULTS, or do not set it',
    );
  }
  for (const [name, address] of [
    ['TOKENVAULT_GRPC_ADDRESS', config.grpcAddress],
    ['TOKENVAULT_ADMIN_ADDRESS', config.adminAddress],
    ['TOKENVAULT_WEB_ADDRESS', config.webAddress],
  ] as const) {
    if (isLoopbackAddress(address)) continue;
    // Browsers use the web listener without an API key.
    if (config.callersFile === undefined && name !== 'TOKENVAULT_WEB_ADDRESS') {
      faults.push(`${name}: ${address} is reachable from other machines; set TOKENVAULT_CALLERS_FILE`);
    }
    if (config.tls === undefined && config.plaintext !== 'mesh') {
      faults.push(
        `${name}: ${address} is reachable from other machines; set TLS files, or TOKENVAULT_PLAINTEXT=mesh if a mesh encrypts`,
      );
    }
  }
  const isPostgres = /^postgres/.test(config.databaseUrl);
  for (const name of POSTGRES_ONLY) {
    if (env[name] !== undefined && !isPostgres) {
      faults.push(
        `TOKENVAULT_${name}: is for PostgreSQL; set TOKENVAULT_DATABASE_URL to postgres://…, or do not set it`,
      );
    }
  }
  if (isPostgres && config.sandbox === 'on') {
    faults.push(
      'TOKENVAULT_SANDBOX: must be the address of one sandbox for all replicas on PostgreSQL; start it with `npm run sandbox`',
    );
  }
  return faults;
}

/** A valid but unwise setting: a backup of the database folder would include the root key. */
export function isKeyNextToDatabase({ keySource, databaseUrl }: Config): boolean {
  if (!keySource.startsWith('file:') || !databaseUrl.startsWith('sqlite:')) return false;
  const folderOf = (url: string) => resolve(dirname(url.slice(url.indexOf(':') + 1)));
  return `${folderOf(keySource)}/`.startsWith(`${folderOf(databaseUrl)}/`);
}
