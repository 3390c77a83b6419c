export type { AccessToken } from './access_token.ts';
export type { ConnectLinks, ConnectRequest } from './connect_user.ts';
export { type ImapAuthOptions, imapAuth, type MailAuthOptions, type SmtpAuth, smtpAuth } from './mail_auth.ts';
export { createTokenFetch, type TokenFetchOptions } from './token_fetch.ts';
export type { AppTokenRequest, TokenReport, TokenRequest } from './token_request.ts';
export { TokenVault } from './token_vault.ts';
export {
  type CredentialToken,
  type GetTokenOptions,
  TokenVaultCredential,
  type TokenVaultCredentialOptions,
} from './token_vault_credential.ts';
export { type StatusCode, TokenVaultError } from './token_vault_error.ts';
export type { TlsOptions, TokenVaultOptions } from './vault_options.ts';
export type { ConnectionToWaitFor } from './wait_until_connected.ts';
export type { Reason, WhoActs } from './who_acts.ts';
