import type { Account } from '../model/connection.ts';
import type { Secret } from '../model/secret.ts';
import type { AppReference } from './find_tenant_app_and_connection.ts';

/** A refresh token that another system holds, to be imported as a connection. */
export interface ImportRequest {
  readonly tenantId: string;
  readonly connectionId: string;
  /** Undefined: the existing connection's, else the tenant's app `default`. */
  readonly app?: AppReference | undefined;
  readonly refreshToken: Secret;
  /** Product scopes; they replace those of an existing connection. */
  readonly scopes: readonly string[];
  /** Known fields of the account: if one is wrong, ACCOUNT_MISMATCH. The token is redeemed in its directory. */
  readonly account?: Partial<Account> | undefined;
  /** ON_FIRST_USE stores it ACTIVE without a `verifyTime`; the first redemption checks account, directory and scopes. */
  readonly verify: 'NOW' | 'ON_FIRST_USE';
  /** Undefined: unchanged. */
  readonly externalId?: string | undefined;
  /** Undefined: unchanged. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** Replace the grant of an existing connection. */
  readonly allowReplace?: boolean | undefined;
  /** Accept another account than the connected one. */
  readonly allowAccountChange?: boolean | undefined;
  /** Checks everything that can be checked without Entra, returns the resulting connection, stores nothing. */
  readonly validateOnly?: boolean | undefined;
}
