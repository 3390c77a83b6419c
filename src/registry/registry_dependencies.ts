import type { AuthorizationServer } from '../entra/entra_client_interface.ts';
import type { Clock } from '../model/clock.ts';
import type { AssertionFiles } from '../model/federated_assertion_files.ts';
import type { KeyVaultCertificates } from '../model/key_vault_certificates.ts';
import type { SecretSource } from '../model/key_vault_secret_reader_interface.ts';
import type { ManagedIdentities } from '../model/managed_identities.ts';
import type { Changes } from '../model/resource_change_announcements.ts';
import type { Scopes } from '../scopes/scope_translator_interface.ts';
import type { Stores } from '../store/store_interfaces.ts';

/** The dependencies of the registry. */
export interface RegistryParts {
  readonly stores: Pick<Stores, 'tenants' | 'apps' | 'connections' | 'rotations' | 'inspections'>;
  readonly authorizationServer: Pick<AuthorizationServer, 'probe' | 'forget' | 'throttledUntil' | 'adminConsentUri'>;
  /** Key Vault secrets, to which credentials refer by URI. */
  readonly secretSource: SecretSource;
  /** The files of federated credentials. */
  readonly assertionFiles: Pick<AssertionFiles, 'check'>;
  /** The managed identities of credentials. */
  readonly managedIdentities: Pick<ManagedIdentities, 'check' | 'trust'>;
  /** Certificates in key vaults, to which credentials refer by URI. */
  readonly certificates: Pick<KeyVaultCertificates, 'checkUri' | 'read'>;
  readonly scopes: Scopes;
  readonly changes: Pick<Changes, 'announce'>;
  readonly clock: Clock;
  /** The vault's own callback, `{public URL}/oauth2/callback`: for apps without a redirect URI of their own. */
  readonly callbackUri: string;
  /** `{public URL}/logos`. */
  readonly logosUri: string;
  readonly newUid: () => string;
}
