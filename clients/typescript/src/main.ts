export type { AccessToken } from './access_token.ts';
export type { ConnectLinks, ConnectRequest } from './connect_user.ts';
export type { TokenRequest } from './token_request.ts';
export { TokenVault } from './token_vault.ts';
export { type StatusCode, TokenVaultError } from './token_vault_error.ts';
export type { TlsOptions, TokenVaultOptions } from './vault_options.ts';
export type { Reason, WhoActs } from './who_acts.ts';
