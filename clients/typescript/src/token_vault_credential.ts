import type { TokenVault } from './token_vault.ts';
import { TokenVaultError } from './token_vault_error.ts';
import type { AbortSignalLike } from './wait_unless_aborted.ts';

/** What SDKs of Microsoft pass to `getToken` (`GetTokenOptions` of `@azure/core-auth`). */
export interface GetTokenOptions {
  readonly abortSignal?: AbortSignalLike | undefined;
  /** The `claims` of a challenge. */
  readonly claims?: string | undefined;
  /** A permission: the app's `client_capabilities` decide whether tokens are evaluated continuously. */
  readonly enableCae?: boolean | undefined;
  /** The directory of the token. Must be that of the connection. */
  readonly tenantId?: string | undefined;
}

/** `AccessToken` of `@azure/core-auth`. */
export interface CredentialToken {
  token: string;
  expiresOnTimestamp: number;
  refreshAfterTimestamp: number;
  tokenType: 'Bearer';
}

export interface TokenVaultCredentialOptions {
  /** `tenants/{tenant}/connections/{connection}`. */
  readonly connection: string;
  /**
   * The directory (GUID) of the connected account, for SDKs that pass a `tenantId`. Default: the vault is asked, which
   * needs the role `connector`.
   */
  readonly directoryId?: string | undefined;
}

/** A `TokenCredential` for the SDKs of Microsoft. `X/.default` means the scopes of this connection for resource X. */
export class TokenVaultCredential {
  readonly #vault: TokenVault;
  readonly #connection: string;
  #directoryId: string | undefined;

  constructor(vault: TokenVault, { connection, directoryId }: TokenVaultCredentialOptions) {
    this.#vault = vault;
    this.#connection = connection;
    this.#directoryId = directoryId;
  }

  async getToken(scopes: string | readonly string[], options: GetTokenOptions = {}): Promise<CredentialToken> {
    const { abortSignal: signal, claims, tenantId } = options;
    if (tenantId !== undefined) await this.#checkDirectory(tenantId);
    const request = { connection: this.#connection, scopes: [scopes].flat(), claims: claims || undefined };
    const { token, expiresAt, refreshAt } = await this.#vault.getAccessToken(request, { signal });
    return {
      token,
      expiresOnTimestamp: expiresAt.getTime(),
      refreshAfterTimestamp: refreshAt.getTime(),
      tokenType: 'Bearer',
    };
  }

  /** A token of another directory would be one of another account. */
  async #checkDirectory(tenantId: string): Promise<void> {
    this.#directoryId ??= await this.#vault.getDirectoryId(this.#connection);
    if (this.#directoryId?.toLowerCase() === tenantId.toLowerCase()) return;
    throw new TokenVaultError(
      `tenantId: ${tenantId} is not the directory of ${this.#connection}. Leave it out, or use another connection.`,
      { code: 'INVALID_ARGUMENT', reason: 'TENANT_ID_MISMATCH', whoActs: 'caller' },
    );
  }
}
