import type { Account } from '../model/connection.ts';

/**
 * Usernames as pages show them: `a•••@contoso.com`. Another person than the one whom a link is for may read it, so a complete
 * username never reaches a page.
 */
export interface MaskedAccounts {
  /** Of the account that the user should sign in with. */
  readonly expected?: string | undefined;
  /** Of the account that the user signed in with. */
  readonly signedIn?: string | undefined;
}

/** The first letter and the domain. The number of dots says nothing about the length. */
export function maskedUsername(username: string): string {
  const at = username.lastIndexOf('@');
  const [first = ''] = username;
  return `${first}•••${at > 0 ? username.slice(at) : ''}`;
}

/** Neither, if one is unknown or both look the same. */
export function differingAccounts(
  expected: Pick<Account, 'username'>,
  signedIn: Pick<Account, 'username'>,
): MaskedAccounts {
  if (expected.username === undefined || signedIn.username === undefined) return {};
  const masked = { expected: maskedUsername(expected.username), signedIn: maskedUsername(signedIn.username) };
  return masked.expected === masked.signedIn ? {} : masked;
}
