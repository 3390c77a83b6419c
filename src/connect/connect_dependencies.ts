import type { AuditLog } from '../audit/audit_log_interface.ts';
import type { AuthorizationServer } from '../entra/entra_client_interface.ts';
import type { Clock, Duration } from '../model/clock.ts';
import type { ContainedSet } from '../model/contained_set.ts';
import type { Every } from '../model/monotonic_timers.ts';
import type { Changes } from '../model/resource_change_announcements.ts';
import type { Scopes } from '../scopes/scope_translator_interface.ts';
import type { Stores } from '../store/store_interfaces.ts';

/** The dependencies of the use cases in this folder. */
export interface ConnectParts {
  readonly stores: Pick<Stores, 'tenants' | 'apps' | 'connections' | 'authorizations' | 'adminConsents'>;
  readonly authorizationServer: Pick<
    AuthorizationServer,
    'authorizationUri' | 'adminConsentUri' | 'admit' | 'probe' | 'readAuthorizationError' | 'forget'
  >;
  readonly scopes: Scopes;
  readonly changes: Pick<Changes, 'announce'>;
  readonly auditLog: Pick<AuditLog, 'append'>;
  /** Default: nothing is contained. */
  readonly contained?: ContainedSet | undefined;
  readonly clock: Clock;
  /** The address of the web listener for browsers, `https://vault.example`. */
  readonly publicUrl: string;
  readonly metrics?: ConnectMetrics | undefined;
  /** Default: timers of the system. */
  readonly every?: Every | undefined;
  /** For tests. Default: a timer. */
  readonly pause?: ((duration: Duration) => Promise<unknown>) | undefined;
}

/** `outcome`: `GRANTED`, a reason, or `INTERNAL`. */
export interface ConnectMetrics {
  authorizationStarted(): void;
  authorizationEnded(outcome: string): void;
  adminConsentStarted(): void;
  adminConsentEnded(outcome: string): void;
  imported(outcome: string): void;
}

export function callbackUri(publicUrl: string): string {
  return webUri(publicUrl, 'oauth2/callback');
}

export function connectUri(publicUrl: string, handle: string): string {
  return webUri(publicUrl, `connect/${handle}`);
}

export function adminConsentLink(publicUrl: string, handle: string): string {
  return webUri(publicUrl, `admin-consent/${handle}`);
}

function webUri(publicUrl: string, path: string): string {
  return `${publicUrl.replace(/\/+$/, '')}/${path}`;
}
