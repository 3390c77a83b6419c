import type { AuditLog } from '../audit/audit_log.ts';
import type { AuthorizationServer } from '../entra/authorization_server.ts';
import type { Changes } from '../model/changes.ts';
import type { Clock, Duration } from '../model/clock.ts';
import type { Scopes } from '../scopes/scopes.ts';
import type { Stores } from '../store/stores.ts';

/** What this room is given to work with. */
export interface ConnectParts {
  readonly stores: Pick<Stores, 'tenants' | 'apps' | 'connections' | 'authorizations' | 'adminConsents'>;
  readonly authorizationServer: Pick<
    AuthorizationServer,
    'authorizationUri' | 'adminConsentUri' | 'admit' | 'probe' | 'readAuthorizationError' | 'forget'
  >;
  readonly scopes: Scopes;
  readonly changes: Pick<Changes, 'announce'>;
  readonly auditLog: Pick<AuditLog, 'append'>;
  readonly clock: Clock;
  /** Where browsers reach the web listener, `https://vault.example`. */
  readonly publicUrl: string;
  readonly metrics?: ConnectMetrics | undefined;
  /** Default: a timer. */
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

const CALLBACK_PATH = '/oauth2/callback';

export function callbackUri(publicUrl: string): string {
  return `${trimmed(publicUrl)}${CALLBACK_PATH}`;
}

export function connectUri(publicUrl: string, handle: string): string {
  return `${trimmed(publicUrl)}/connect/${handle}`;
}

export function adminConsentLink(publicUrl: string, handle: string): string {
  return `${trimmed(publicUrl)}/admin-consent/${handle}`;
}

function trimmed(publicUrl: string): string {
  return publicUrl.replace(/\/+$/, '');
}
