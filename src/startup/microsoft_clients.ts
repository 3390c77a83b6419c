import type { Config } from '../config/config_interface.ts';
import type { AppRegistrations } from '../entra/app_registrations_interface.ts';
import { createAuthorizationServer } from '../entra/entra_client.ts';
import type { AuthorizationServer } from '../entra/entra_client_interface.ts';
import { createAssertionFiles } from '../entra/exchange/federated_assertion_reader.ts';
import { createAppRegistrations } from '../entra/graph/graph_app_registrations.ts';
import { createKeyVaultCertificates } from '../keyring/keyvault_certificates.ts';
import { createKeyVaultSecrets, type KeyVaultSecretsParts } from '../keyring/keyvault_client_secrets.ts';
import { createManagedIdentities } from '../keyring/managed_identity_tokens.ts';
import type { Stores } from '../store/store_interfaces.ts';
import type { Log } from '../telemetry/log_events.ts';
import type { Metrics } from '../telemetry/vault_metrics.ts';
import type { CloudContext } from './entra_or_sandbox.ts';
import type { Shutdown } from './shutdown.ts';

export interface MicrosoftParts {
  readonly config: Pick<
    Config,
    'keyVaults' | 'keySource' | 'federatedFiles' | 'managedIdentities' | 'ownTokenFiles' | 'proxy'
  >;
  readonly cloud: Pick<CloudContext, 'clock' | 'cloud'>;
  readonly stores: Pick<Stores, 'apps'>;
  /** Client options for a fake key vault. */
  readonly keyVault: Pick<KeyVaultSecretsParts, 'credential' | 'clientOptions'> | undefined;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly opened: Shutdown['opened'];
}

/** Opens the clients of Entra, Graph, and the key vaults that credentials refer to. */
export async function openMicrosoftClients(parts: MicrosoftParts) {
  const { config, stores, metrics, log, opened } = parts;
  const { clock, cloud: customCloud } = parts.cloud;
  const { keyVaults: vaults, keySource, proxy, ownTokenFiles } = config;
  const assertionFiles = createAssertionFiles({ allowed: config.federatedFiles, ownTokenFiles });
  const managedIdentities = createManagedIdentities(config.managedIdentities);
  const keyVaultParts = { ...parts.keyVault, vaults, keySource };
  const secretSource = createKeyVaultSecrets({ ...keyVaultParts, clock, log, metrics: metrics.keyVault });
  const certificates = createKeyVaultCertificates(keyVaultParts);
  const appStateStore = stores.apps;
  const common = { clock, customCloud, proxy };
  const entra = {
    ...common,
    appStateStore,
    secretSource,
    assertionFiles,
    managedIdentities,
    certificates,
    metrics: metrics.entra,
    log,
  };
  const authorizationServer: AuthorizationServer = await opened(createAuthorizationServer(entra));
  const graph = { ...common, authorizationServer, certificates, metrics: metrics.graph };
  const registrations: AppRegistrations = await opened(createAppRegistrations(graph));
  return { authorizationServer, registrations, secretSource, assertionFiles, managedIdentities, certificates };
}

export type MicrosoftClients = Awaited<ReturnType<typeof openMicrosoftClients>>;
