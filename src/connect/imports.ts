import type { Account, Connection } from '../model/connection.ts';
import type { Secret } from '../model/secret.ts';
import type { AppReference } from './active_lookup.ts';

/** Refresh tokens that another system holds, taken over. */
export interface Imports {
  /**
   * CONNECTION_EXISTS unless the connection is new, PENDING, or may be replaced. Nothing is stored when it throws.
   * With NOW: REFRESH_TOKEN_REJECTED, CONSENT_REQUIRED, ADMIN_CONSENT_REQUIRED, BLOCKED_BY_POLICY, ACCOUNT_DISABLED, ACCOUNT_MISMATCH,
   * DIRECTORY_NOT_ALLOWED, SCOPE_NOT_GRANTED, and what is the app's or Entra's own doing (ENTRA_UNAVAILABLE, APP_CREDENTIAL_REJECTED, …).
   */
  import(request: ImportRequest): Promise<Connection>;
}

export interface ImportRequest {
  readonly tenantId: string;
  readonly connectionId: string;
  /** Undefined: the existing connection's, else the tenant's app `default`. */
  readonly app?: AppReference | undefined;
  readonly refreshToken: Secret;
  /** Product scopes that it shall serve; they replace those of an existing connection. */
  readonly scopes: readonly string[];
  /** What is known of the account; what is given must be so, else ACCOUNT_MISMATCH. Its directory says where to redeem. */
  readonly account?: Partial<Account> | undefined;
  /** ON_FIRST_USE stores it ACTIVE without a `verifyTime`; its account, directory and scopes are checked at the first redemption. */
  readonly verify: 'NOW' | 'ON_FIRST_USE';
  /** Undefined: stays as it is. */
  readonly externalId?: string | undefined;
  /** Undefined: stay as they are. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** Replace the grant of an existing connection. */
  readonly allowReplace?: boolean | undefined;
  /** Accept another account than the one that was connected before. */
  readonly allowAccountChange?: boolean | undefined;
  /** Checks all that can be checked without Entra, answers the connection as it would be, stores nothing. */
  readonly validateOnly?: boolean | undefined;
}
