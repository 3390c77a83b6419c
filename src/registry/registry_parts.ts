import type { AuthorizationServer } from '../entra/authorization_server.ts';
import type { AssertionFiles } from '../model/assertion_files.ts';
import type { Changes } from '../model/changes.ts';
import type { Clock } from '../model/clock.ts';
import type { SecretSource } from '../model/secret_source.ts';
import type { Scopes } from '../scopes/scopes.ts';
import type { Stores } from '../store/stores.ts';

/** What the registry is made of. */
export interface RegistryParts {
  readonly stores: Pick<Stores, 'tenants' | 'apps' | 'connections' | 'rotations' | 'inspections'>;
  readonly authorizationServer: Pick<AuthorizationServer, 'probe' | 'forget' | 'throttledUntil' | 'adminConsentUri'>;
  /** Where secrets lie that credentials only refer to. */
  readonly secretSource: SecretSource;
  /** Of federated credentials. */
  readonly assertionFiles: Pick<AssertionFiles, 'check'>;
  readonly scopes: Scopes;
  readonly changes: Pick<Changes, 'announce'>;
  readonly clock: Clock;
  /** The vault's own callback, `{public URL}/oauth2/callback`: for apps that name no redirect URI. */
  readonly callbackUri: string;
  /** Where browsers find logos, `{public URL}/logos`. */
  readonly logosUri: string;
  readonly newUid: () => string;
}
