import { isLoopbackAddress, type ListenAddress } from '../model/listen_address.ts';
import type { Config } from './config.ts';
import type { Environment } from './environment.ts';

/** What each variable allows by itself but not beside another. */
export function contradictions(config: Config, env: Environment): string[] {
  const faults: string[] = [];
  if ((env.TLS_CERT_FILE === undefined) !== (env.TLS_KEY_FILE === undefined)) {
    faults.push('TOKENVAULT_TLS_CERT_FILE and TOKENVAULT_TLS_KEY_FILE: give both or neither');
  }
  if (env.TLS_CLIENT_CA_FILE !== undefined && config.tls === undefined) {
    faults.push('TOKENVAULT_TLS_CLIENT_CA_FILE: needs TOKENVAULT_TLS_CERT_FILE and TOKENVAULT_TLS_KEY_FILE beside it');
  }
  if (config.tls !== undefined && config.publicUrl.startsWith('http:')) {
    faults.push(
      'TOKENVAULT_PUBLIC_URL: is plain http, while the web listener speaks TLS; give the https address that browsers use',
    );
  }
  if (config.sandbox !== 'off' && config.customCloud !== undefined) {
    faults.push('TOKENVAULT_SANDBOX makes the cloud CUSTOM by itself: leave TOKENVAULT_CUSTOM_CLOUD_LOGIN_URL out');
  }
  if (env.CUSTOM_CLOUD_GRAPH_URL !== undefined && env.CUSTOM_CLOUD_LOGIN_URL === undefined) {
    faults.push('TOKENVAULT_CUSTOM_CLOUD_GRAPH_URL: needs TOKENVAULT_CUSTOM_CLOUD_LOGIN_URL beside it');
  }
  if (config.eventGridKeyFile !== undefined && config.keyVaults.length === 0) {
    faults.push(
      'TOKENVAULT_EVENT_GRID_KEY_FILE: is for events of key vaults; name them in TOKENVAULT_KEY_VAULTS, or leave it out',
    );
  }
  for (const [name, where] of listeners(config)) {
    if (isLoopbackAddress(where)) continue;
    // Browsers call the web listener, and are nobody's callers.
    if (config.callersFile === undefined && name !== 'TOKENVAULT_WEB_ADDRESS') {
      faults.push(`${name}: ${where} is reachable from elsewhere, so TOKENVAULT_CALLERS_FILE must say who may call`);
    }
    if (config.tls === undefined && config.plaintext !== 'mesh') {
      faults.push(
        `${name}: ${where} is reachable from elsewhere; give TLS files, or TOKENVAULT_PLAINTEXT=mesh where a mesh encrypts`,
      );
    }
  }
  if (/^postgres/.test(config.databaseUrl)) {
    faults.push('TOKENVAULT_DATABASE_URL: PostgreSQL is not supported by this version yet; use sqlite:PATH');
  }
  return faults;
}

function listeners(config: Config): [string, ListenAddress][] {
  return [
    ['TOKENVAULT_GRPC_ADDRESS', config.grpcAddress],
    ['TOKENVAULT_ADMIN_ADDRESS', config.adminAddress],
    ['TOKENVAULT_WEB_ADDRESS', config.webAddress],
  ];
}
