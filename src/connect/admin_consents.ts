import type { Timestamp } from '../model/clock.ts';
import type { Reason } from '../model/errors.ts';
import type { AppReference, AuthorizationResponse, Product } from './authorizations.ts';
import type { PageTrace } from './page_trace.ts';

/** An administrator's consent for a whole directory. Nothing is connected by it: the users come afterwards. */
export interface AdminConsents {
  /** FIELD_INVALID, SCOPE_UNKNOWN, DIRECTORY_NOT_ALLOWED, TENANT_NOT_FOUND, APP_NOT_FOUND, TENANT_SUSPENDED, APP_SUSPENDED. */
  start(request: StartAdminConsent): Promise<StartedAdminConsent>;

  /** What the page tells before the button is pressed; uses nothing up. STATE_INVALID. */
  describe(handle: string, trace?: PageTrace): Promise<AdminConsentDescription>;

  /** The button was pressed: mints a state and answers Entra's address. STATE_INVALID, RATE_LIMITED (100 presses), and the suspensions. */
  open(handle: string, trace?: PageTrace): Promise<string>;

  /**
   * The vault's own callback. Never throws for what was sent: the outcome says it. Audited here, since no rpc does it.
   * `tenant` of the answer is unauthenticated: anybody can send any. It is believed only where Entra itself gives the app a token of its
   * own in that directory, and then no more follows from it than that the directory is asked again.
   */
  callback(request: AdminConsentAnswer): Promise<AdminConsentOutcome>;
}

export interface StartAdminConsent {
  readonly tenantId: string;
  /** Undefined: the tenant's app `default`. */
  readonly app?: AppReference | undefined;
  /** Product scopes. Empty: all that the registration lists (`/.default` of Microsoft Graph). */
  readonly scopes: readonly string[];
  /** Undefined: whichever directory the administrator signs in to; the app's own where it has one. */
  readonly directoryId?: string | undefined;
  readonly returnUrl?: string | undefined;
}

export interface StartedAdminConsent {
  /** Holds a handle. */
  readonly consentUri: string;
  /** Holds a state that works once. */
  readonly adminConsentUri: string;
  /** Of `consentUri`: 7 days. */
  readonly expireTime: Timestamp;
  /** Of `adminConsentUri`: an hour. */
  readonly adminConsentExpireTime: Timestamp;
}

export interface AdminConsentDescription {
  readonly product: Product;
  /** In plain words; empty: whatever the registration lists. */
  readonly scopes: readonly string[];
  readonly implicit: readonly string[];
  readonly expireTime: Timestamp;
}

export interface AdminConsentAnswer {
  readonly state: string;
  /** `granted`: `admin_consent=True`. The directory as it was sent. */
  readonly answer:
    | { readonly granted: true; readonly directoryId: string | undefined }
    | Extract<AuthorizationResponse, { error: string }>;
  /** For the audit log. */
  readonly requestId: string;
  readonly trace?: PageTrace | undefined;
}

export interface AdminConsentOutcome {
  readonly outcome: 'GRANTED' | Reason;
  /** The registered return URL with `app` and `outcome`. Undefined: the vault's own words end it. */
  readonly returnUrl: string | undefined;
  readonly product: Product | undefined;
}

/** How the states of this flow begin, so that the one callback can tell them from those of users who sign in. */
export const ADMIN_STATE_PREFIX = 'admin.';

export function isAdminConsentState(state: string): boolean {
  return state.startsWith(ADMIN_STATE_PREFIX);
}
