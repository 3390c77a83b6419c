import type { TokenRequest } from './token_request.ts';
import type { TokenVault } from './token_vault.ts';

export interface MailAuthOptions extends Pick<TokenRequest, 'connection' | 'scopes'> {
  /** The address of the mailbox. */
  readonly user: string;
}

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

/** The `auth` of nodemailer (XOAUTH2). It fetches a token for each connection, and another one if the server refuses it. */
export function smtpAuth(vault: TokenVault, { user, connection, scopes = DEFAULT_SCOPES }: MailAuthOptions): SmtpAuth {
  let last: string | undefined;
  return {
    type: 'OAuth2',
    user,
    provisionCallback(_user, renew, callback) {
      const rejectedToken = renew ? last : undefined;
      vault.getAccessToken({ connection, scopes, rejectedToken }).then(
        ({ token, refreshAt }) => {
          last = token;
          callback(null, token, refreshAt.getTime());
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
