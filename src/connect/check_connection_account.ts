import { checkText } from '../model/check_text_fields.ts';
import { type Account, type Connection, connectionName, isSameAccount } from '../model/connection.ts';
import { VaultError } from '../model/errors.ts';
import { checkDirectoryId } from './check_directory_allowed.ts';
import { differingAccounts, type MaskedAccounts } from './masked_accounts.ts';

/** More than a user principal name (113) or an e-mail address (254) may have. */
export const LONGEST_USERNAME = 256;

/** FIELD_INVALID: the claimed account is stored until the first redemption returns the real one. */
export function checkClaimedAccount({ directoryId, objectId, username, displayName, email }: Partial<Account>): void {
  if (directoryId !== undefined) checkDirectoryId('account.directory_id', directoryId);
  checkText('account.object_id', objectId ?? '');
  checkText('account.username', username ?? '', LONGEST_USERNAME);
  checkText('account.display_name', displayName ?? '', LONGEST_USERNAME);
  checkText('account.email', email ?? '', LONGEST_USERNAME);
}

/** ACCOUNT_MISMATCH: a connection stays with its account, or one user's data would appear under another user's name. */
export function checkSameAccount(connection: Connection | undefined, account: Account): void {
  if (connection?.account === undefined || isSameAccount(connection.account, account)) return;
  throw accountMismatch(connectionName(connection), differingAccounts(connection.account, account));
}

export function accountMismatch(connection: string, accounts: MaskedAccounts = {}): VaultError {
  return new AccountMismatch(connection, accounts);
}

/** Has the accounts for a page. A caller of the API does not receive them. */
export class AccountMismatch extends VaultError {
  readonly accounts: MaskedAccounts;

  constructor(connection: string, accounts: MaskedAccounts) {
    super(
      'ACCOUNT_MISMATCH',
      `${connection} belongs to another account. Sign in with that account, or set allow_account_change.`,
      { metadata: { resource: connection } },
    );
    this.accounts = accounts;
  }
}

/** Whether a claimed account differs from the real one. Users can change display name and e-mail address, so these prove nothing. */
export function contradicts(claimed: Partial<Account> | undefined, account: Account): boolean {
  return (['directoryId', 'objectId', 'username'] as const).some((field) => {
    const value = claimed?.[field];
    return value !== undefined && value.toLowerCase() !== account[field]?.toLowerCase();
  });
}
