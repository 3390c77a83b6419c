import type { Timestamp } from './clock.ts';

/** OPEN: waits for the administrator, who may decline and come back. GRANTED: over. */
export type AdminConsentState = 'OPEN' | 'GRANTED';

/** An administrator is asked to consent for a whole directory. */
export interface AdminConsent {
  readonly uid: string;
  /** Whose users shall be able to connect; not always the app's owner. */
  readonly tenantUid: string;
  readonly tenantId: string;
  readonly appUid: string;
  readonly state: AdminConsentState;
  /** Whose administrator is asked; undefined: whichever directory they sign in to. */
  readonly directoryId: string | undefined;
  /** For the page. Empty: whatever the registration lists. */
  readonly productScopes: readonly string[];
  /** What Entra is asked for, full form: `https://graph.microsoft.com/Mail.Read`, `https://graph.microsoft.com/.default`. */
  readonly scopes: readonly string[];
  readonly redirectUri: string;
  readonly returnUrl: string | undefined;
  readonly createTime: Timestamp;
  /** The link `/admin-consent/{handle}` ends here: 7 days after its making. */
  readonly expireTime: Timestamp;
}
