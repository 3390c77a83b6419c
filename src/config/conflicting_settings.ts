import { dirname, resolve } from 'node:path';
import { isLoopbackAddress } from '../model/listen_address.ts';
import type { Config } from './config_interface.ts';
import type { Environment } from './environment_variable_schema.ts';

/** Combinations of settings that are invalid, although each setting is valid. */
export function contradictions(config: Config, env: Environment): string[] {
  const faults: string[] = [];
  if ((env.TLS_CERT_FILE === undefined) !== (env.TLS_KEY_FILE === undefined)) {
    faults.push('TOKENVAULT_TLS_CERT_FILE and TOKENVAULT_TLS_KEY_FILE: set both or neither');
  }
  if (env.TLS_CLIENT_CA_FILE !== undefined && config.tls === undefined) {
    faults.push('TOKENVAULT_TLS_CLIENT_CA_FILE: requires TOKENVAULT_TLS_CERT_FILE and TOKENVAULT_TLS_KEY_FILE');
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
  if (/^postgres/.test(config.databaseUrl)) {
    faults.push('TOKENVAULT_DATABASE_URL: PostgreSQL is not supported by this version yet; use sqlite:PATH');
  }
  return faults;
}

/** A valid but unwise setting: a backup of the database folder would include the root key. */
export function isKeyNextToDatabase({ keySource, databaseUrl }: Config): boolean {
  if (!keySource.startsWith('file:')) return false;
  const folderOf = (url: string) => resolve(dirname(url.slice(url.indexOf(':') + 1)));
  return `${folderOf(keySource)}/`.startsWith(`${folderOf(databaseUrl)}/`);
}
