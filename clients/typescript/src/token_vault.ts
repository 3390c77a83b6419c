import { createHash } from 'node:crypto';
import { type AccessToken, toAccessToken } from './access_token.ts';
import { createReadMetadata } from './caller_credential.ts';
import { type Channel, createChannel } from './channel.ts';
import { type ConnectLinks, type ConnectRequest, startConnecting } from './connect_user.ts';
import { ConnectionService } from './gen/tokenvault/v1/connection_service_pb.ts';
import { TokenService } from './gen/tokenvault/v1/token_service_pb.ts';
import { withRetries } from './retry.ts';
import { createTokenCache, type TokenCache } from './token_cache.ts';
import type { TokenRequest } from './token_request.ts';
import { createVaultCalls, type VaultCalls } from './vault_calls.ts';
import type { TokenVaultOptions } from './vault_options.ts';
import { type AbortSignalLike, waitUnlessAborted } from './wait_unless_aborted.ts';
import { watchToken } from './watch_token.ts';

const DEFAULT_TIMEOUT = 15_000;
const DEFAULT_MIN_TTL = 60;
/** Milliseconds that a call may take while a valid token is at hand. */
const LONGEST_REFRESH = 5_000;

/** A client of Token Vault. Create one for the process, and close it at the end. */
export class TokenVault {
  readonly #channel: Channel;
  readonly #calls: VaultCalls;
  readonly #getToken: TokenCache;
  readonly #timeout: number;
  readonly #minTtl: number;
  readonly #closing = new AbortController();

  constructor(options: TokenVaultOptions) {
    const { timeout = DEFAULT_TIMEOUT, minTtl = DEFAULT_MIN_TTL, now = Date.now } = options;
    this.#timeout = timeout;
    this.#minTtl = minTtl;
    this.#channel = createChannel(options);
    this.#calls = createVaultCalls(this.#channel, createReadMetadata(options));
    this.#getToken = createTokenCache({
      request: (request, { once }) =>
        once
          ? this.#request(request, Math.min(timeout, LONGEST_REFRESH))
          : this.#retry((left) => this.#request(request, left)),
      now,
      minTtl: minTtl * 1_000,
    });
  }

  /**
   * A token that is kept in this process until its `refreshAt`. Do not keep it yourself: call again for each use. While
   * the vault cannot be reached, the last token is returned until it expires.
   */
  getAccessToken(
    request: TokenRequest,
    options: { readonly signal?: AbortSignalLike | undefined } = {},
  ): Promise<AccessToken> {
    return waitUnlessAborted(this.#getToken(request), options.signal);
  }

  /** The current token, and each new one before the previous one expires. */
  watch(
    request: Pick<TokenRequest, 'connection' | 'scopes'>,
    options: { readonly signal?: AbortSignal | undefined } = {},
  ): AsyncGenerator<AccessToken, void, undefined> {
    const signals = [this.#closing.signal, ...(options.signal === undefined ? [] : [options.signal])];
    return watchToken(this.#calls, request, { minTtl: this.#minTtl, signal: AbortSignal.any(signals) });
  }

  /** Starts to connect a user, or to connect again. */
  connect(request: ConnectRequest): Promise<ConnectLinks> {
    return this.#retry((left) => startConnecting(this.#calls, request, left));
  }

  /** Activates the grant, with the `confirmation` that the return URL received. It works once, so it is not retried. */
  async confirm(request: { readonly connection: string; readonly confirmation: string }): Promise<void> {
    await this.#calls.unary(ConnectionService.method.confirmAuthorization, request, this.#timeout);
  }

  /** The directory (GUID) of the connected account. Needs the role `connector`. Undefined: not known yet. */
  async getDirectoryId(connection: string): Promise<string | undefined> {
    const { getConnection } = ConnectionService.method;
    const response = await this.#retry((left) => this.#calls.unary(getConnection, { name: connection }, left));
    return response.connection?.account?.directoryId || undefined;
  }

  /** Closes the connections to the vault, and ends what `watch` returned. */
  close(): void {
    this.#closing.abort();
    this.#channel.close();
  }

  #retry<Response>(attempt: (timeLeft: number) => Promise<Response>): Promise<Response> {
    return withRetries(this.#timeout, attempt);
  }

  async #request(
    { connection, scopes = [], claims, rejectedToken }: TokenRequest,
    timeout: number,
  ): Promise<AccessToken> {
    const request = {
      connection,
      scopes: [...scopes],
      minTtl: { seconds: BigInt(this.#minTtl) },
      claims: claims ?? '',
      rejectedTokenSha256: rejectedToken === undefined ? '' : createHash('sha256').update(rejectedToken).digest('hex'),
    };
    return toAccessToken(await this.#calls.unary(TokenService.method.getAccessToken, request, timeout));
  }
}
