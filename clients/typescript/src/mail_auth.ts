import type { TokenRequest } from './token_request.ts';
import type { TokenVault } from './token_vault.ts';

export interface MailAuthOptions extends Pick<TokenRequest, 'connection' | 'scopes'> {
  /** The address of the mailbox. */
  readonly user: string;
}

/** So that nodemailer keeps no token. It takes 0 for: never. */
const ALREADY_EXPIRED = 1;

export type ImapAuthOptions = MailAuthOptions & Pick<TokenRequest, 'rejectedToken'>;

/** Exchange Online in the global cloud. */
const DEFAULT_SCOPES = ['https://outlook.office.com/.default'];

/**
 * The `auth` of imapflow (XOAUTH2). Call it for each new client, so that each connection has a current token; with
 * `rejectedToken`, if the server refused the last one.
 */
export async function imapAuth(
  vault: TokenVault,
  { user, connection, scopes = DEFAULT_SCOPES, rejectedToken }: ImapAuthOptions,
): Promise<{ user: string; accessToken: string }> {
  const { token } = await vault.getAccessToken({ connection, scopes, rejectedToken });
  return { user, accessToken: token };
}

/**
 * The `auth` of nodemailer (XOAUTH2). It provides a token for each connection, and another if the server answers 334.
 * After 535, which Exchange sends at once, nodemailer fails with EAUTH and tries no other token.
 */
export function smtpAuth(vault: TokenVault, { user, connection, scopes = DEFAULT_SCOPES }: MailAuthOptions): SmtpAuth {
  let last: string | undefined;
  return {
    type: 'OAuth2',
    user,
    provisionCallback(_user, renew, callback) {
      const rejectedToken = renew ? last : undefined;
      vault.getAccessToken({ connection, scopes, rejectedToken }).then(
        ({ token }) => {
          last = token;
          callback(null, token, ALREADY_EXPIRED);
        },
        (error: Error) => callback(error),
      );
    },
  };
}

export interface SmtpAuth {
  type: 'OAuth2';
  user: string;
  provisionCallback(
    user: string,
    renew: boolean,
    callback: (error: Error | null, accessToken?: string, expires?: number) => void,
  ): void;
}
