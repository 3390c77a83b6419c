import { type Account, type Connection, connectionName, isSameAccount } from '../model/connection.ts';
import { VaultError } from '../model/errors.ts';
import { checkText } from '../model/labels.ts';
import { allowsDirectory, type Tenant } from '../model/tenant.ts';
import { checkDirectoryId } from './directory_id.ts';

/** More than a user principal name may have (113), and than an e-mail address (254). */
export const LONGEST_USERNAME = 256;

/** FIELD_INVALID: what is said of an account lies in its row until the first redemption tells better. */
export function checkSaidAccount({ directoryId, objectId, username, displayName, email }: Partial<Account>): void {
  if (directoryId !== undefined) checkDirectoryId('account.directory_id', directoryId);
  checkText('account.object_id', objectId ?? '');
  checkText('account.username', username ?? '', LONGEST_USERNAME);
  checkText('account.display_name', displayName ?? '', LONGEST_USERNAME);
  checkText('account.email', email ?? '', LONGEST_USERNAME);
}

/** DIRECTORY_NOT_ALLOWED: the tenant takes accounts of some directories only. */
export function checkDirectory(tenant: Tenant, directoryId: string): void {
  if (allowsDirectory(tenant, directoryId)) return;
  throw new VaultError(
    'DIRECTORY_NOT_ALLOWED',
    `tenants/${tenant.tenantId} takes no accounts of directory ${directoryId}; sign in with an account of an allowed one, or have an operator add it to allowed_directory_ids`,
    { metadata: { directoryId } },
  );
}

/** ACCOUNT_MISMATCH: a connection stays with its account, or one user's data would turn up under another's name. */
export function checkSameAccount(connection: Connection | undefined, account: Account): void {
  const before = connection?.account;
  if (connection === undefined || before === undefined || isSameAccount(before, account)) return;
  throw accountMismatch(connectionName(connection));
}

export function accountMismatch(connection: string): VaultError {
  return new VaultError(
    'ACCOUNT_MISMATCH',
    `${connection} belongs to another account; sign in with that one, or allow the change of account`,
    { metadata: { resource: connection } },
  );
}

/** Whether something that was said of the account is not so. Display name and e-mail address are anybody's to change, and prove nothing. */
export function contradicts(said: Partial<Account> | undefined, account: Account): boolean {
  const differs = (one: string | undefined, other: string | undefined) =>
    one !== undefined && one.toLowerCase() !== other?.toLowerCase();
  return (
    differs(said?.directoryId, account.directoryId) ||
    differs(said?.objectId, account.objectId) ||
    differs(said?.username, account.username)
  );
}
