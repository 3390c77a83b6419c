import type { Timestamp } from './clock.ts';

/** OPEN: waits for the administrator, who may decline and come back. GRANTED: completed. */
export type AdminConsentState = 'OPEN' | 'GRANTED';

/** A request to an administrator to consent for a whole directory. */
export interface AdminConsent {
  readonly uid: string;
  /** The tenant whose users shall be able to connect; not always the app's owner. */
  readonly tenantUid: string;
  readonly tenantId: string;
  readonly appUid: string;
  readonly state: AdminConsentState;
  /** Directory of the administrator; undefined: the one they sign in to. */
  readonly directoryId: string | undefined;
  /** For the page. Empty: all that the registration lists. */
  readonly productScopes: readonly string[];
  /** Requested from Entra, in full form: `https://graph.microsoft.com/Mail.Read`, `https://graph.microsoft.com/.default`. */
  readonly scopes: readonly string[];
  readonly redirectUri: string;
  readonly returnUrl: string | undefined;
  readonly createTime: Timestamp;
  /** The link `/admin-consent/{handle}` expires: 7 days after it was created. */
  readonly expireTime: Timestamp;
}
