import type { AppRegistrations } from '../../entra/app_registrations_interface.ts';
import type { AuthorizationServer } from '../../entra/entra_client_interface.ts';
import type { ReportPublished } from '../../expiry/log_and_count_published_events.ts';
import type { Clock, Duration } from '../../model/clock.ts';
import type { App } from '../../model/entra_app.ts';
import type { KeyVaultCertificates } from '../../model/key_vault_certificates.ts';
import type { SecretSource } from '../../model/key_vault_secret_reader_interface.ts';
import type { Changes } from '../../model/resource_change_announcements.ts';
import type { AppStore, Stores } from '../../store/store_interfaces.ts';
import type { Log } from '../../telemetry/log_events.ts';
import type { Rotations } from '../rotation/start_rotations.ts';

/** The dependencies of an inspection. */
export interface InspectionParts {
  readonly stores: Pick<Stores, 'inspections'> & {
    readonly apps: Pick<AppStore, 'credentials' | 'usableCredentials' | 'addCredential' | 'removeCredential'>;
    readonly tenants: Pick<Stores['tenants'], 'find'>;
    readonly expiry: Pick<Stores['expiry'], 'publish'>;
    readonly rotations: Pick<Stores['rotations'], 'find'>;
  };
  readonly registrations: Pick<AppRegistrations, 'read' | 'addCertificate'>;
  readonly authorizationServer: Pick<AuthorizationServer, 'probe' | 'forget'>;
  readonly secretSource: Pick<SecretSource, 'read' | 'forget'>;
  readonly certificates: Pick<KeyVaultCertificates, 'read'>;
  readonly rotations: Pick<Rotations, 'startIfDue'>;
  /** A directory in which the app can get app-only tokens; undefined if none is known. */
  readonly knownDirectory: (app: App) => Promise<string | undefined>;
  readonly changes: Pick<Changes, 'announce'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly reportPublished: ReportPublished;
  /** For all requests of one app; the remaining ones follow an hour later. Default 20 s. */
  readonly timePerApp?: Duration | undefined;
}
