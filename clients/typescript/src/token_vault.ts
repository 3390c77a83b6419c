import { createHash } from 'node:crypto';
import { type AccessToken, toAccessToken } from './access_token.ts';
import { createReadMetadata } from './caller_credential.ts';
import { type Channel, createChannel } from './channel.ts';
import { type ConnectLinks, type ConnectRequest, startConnecting } from './connect_user.ts';
import { ConnectionService } from './gen/tokenvault/v1/connection_service_pb.ts';
import { TokenService } from './gen/tokenvault/v1/token_service_pb.ts';
import { withRetries } from './retry.ts';
import { statusToError } from './to_token_vault_error.ts';
import { createTokenBatch } from './token_batch.ts';
import { createTokenCache, type RequestToken, type TokenCache } from './token_cache.ts';
import {
  type AppTokenRequest,
  appKeyOf,
  isReport,
  keyOf,
  type TokenReport,
  type TokenRequest,
} from './token_request.ts';
import { TokenVaultError } from './token_vault_error.ts';
import { createVaultCalls, type VaultCalls } from './vault_calls.ts';
import type { TokenVaultOptions } from './vault_options.ts';
import { type AbortSignalLike, waitUnlessAborted } from './wait_unless_aborted.ts';
import { type ConnectionToWaitFor, waitUntilConnected } from './wait_until_connected.ts';
import { watchToken } from './watch_token.ts';

const DEFAULT_TIMEOUT = 15_000;
const DEFAULT_MIN_TTL = 60;
/** Milliseconds that a call may take while a valid token is at hand. */
const LONGEST_REFRESH = 5_000;

/** A client of Token Vault. Create one for the process, and close it at the end. */
export class TokenVault {
  readonly #channel: Channel;
  readonly #calls: VaultCalls;
  readonly #getToken: TokenCache<TokenRequest>;
  readonly #getAppToken: TokenCache<AppTokenRequest & TokenReport>;
  readonly #timeout: number;
  readonly #minTtl: number;
  readonly #closing = new AbortController();

  constructor(options: TokenVaultOptions) {
    const { timeout = DEFAULT_TIMEOUT, minTtl = DEFAULT_MIN_TTL, now = Date.now } = options;
    this.#timeout = timeout;
    this.#minTtl = minTtl;
    this.#channel = createChannel(options);
    this.#calls = createVaultCalls(this.#channel, createReadMetadata(options));
    const cached = { now, minTtl: minTtl * 1_000 };
    const calling =
      <Request>(call: (request: Request, timeout: number) => Promise<AccessToken>): RequestToken<Request> =>
      (request, { once }) =>
        once ? call(request, this.#shortTimeout) : this.#retry((left) => call(request, left));
    this.#getToken = createTokenCache({
      ...cached,
      keyOf,
      request: calling((request, left) => this.#request(request, left)),
    });
    this.#getAppToken = createTokenCache<AppTokenRequest & TokenReport>({
      ...cached,
      keyOf: appKeyOf,
      request: calling((request, left) => this.#requestForApp(request, left)),
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

  /**
   * A token, or the error, for each request, in order: one bad connection fails alone. Tokens of this process are returned
   * as by `getAccessToken`; those that are missing are requested together, up to 100 in a call.
   */
  async getAccessTokens(
    requests: readonly TokenRequest[],
    options: { readonly signal?: AbortSignalLike | undefined } = {},
  ): Promise<(AccessToken | TokenVaultError)[]> {
    const timeouts = { retried: this.#timeout, once: this.#shortTimeout };
    const batch = createTokenBatch((missing, left) => this.#requestBatch(missing, left), timeouts);
    const results = requests.map((request) => {
      // Reports are rare, and can be too large for a batch.
      const token = isReport(request) ? this.#getToken(request) : this.#getToken(request, batch);
      return token.catch((error: unknown) => {
        if (error instanceof TokenVaultError) return error;
        throw error;
      });
    });
    return waitUnlessAborted(Promise.all(results), options.signal);
  }

  /** A token of an app itself, without a user. It is kept as by `getAccessToken`. */
  getAppAccessToken(
    request: AppTokenRequest,
    options: { readonly signal?: AbortSignalLike | undefined } = {},
  ): Promise<AccessToken> {
    return waitUnlessAborted(this.#getAppToken(request), options.signal);
  }

  /** The current token, and each new one before the previous one expires. */
  watch(
    request: Pick<TokenRequest, 'connection' | 'scopes'>,
    options: { readonly signal?: AbortSignal | undefined } = {},
  ): AsyncGenerator<AccessToken, void, undefined> {
    return watchToken(this.#calls, request, { minTtl: this.#minTtl, signal: this.#untilClosed(options.signal) });
  }

  /** Starts to connect a user, or to connect again. */
  connect(request: ConnectRequest): Promise<ConnectLinks> {
    return this.#retry((left) => startConnecting(this.#calls, request, left));
  }

  /**
   * Waits until the user has connected, also if that was before the call. Fails with a `TokenVaultError` when the user
   * cancels (`AUTHORIZATION_CANCELLED`), when the link expires (`AUTHORIZATION_EXPIRED`), and with the vault's reason when
   * the authorization is refused. A grant that needs `confirm` is awaited until it is confirmed.
   */
  waitUntilConnected(
    request: ConnectionToWaitFor,
    options: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<void> {
    return waitUntilConnected(this.#calls, request, this.#untilClosed(options.signal));
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

  get #shortTimeout(): number {
    return Math.min(this.#timeout, LONGEST_REFRESH);
  }

  #untilClosed(signal: AbortSignal | undefined): AbortSignal {
    return AbortSignal.any([this.#closing.signal, ...(signal === undefined ? [] : [signal])]);
  }

  #retry<Response>(attempt: (timeLeft: number) => Promise<Response>): Promise<Response> {
    return withRetries(this.#timeout, attempt);
  }

  async #request(request: TokenRequest, timeout: number): Promise<AccessToken> {
    const message = this.#messageOf(request);
    return toAccessToken(await this.#calls.unary(TokenService.method.getAccessToken, message, timeout));
  }

  async #requestBatch(
    requests: readonly TokenRequest[],
    timeout: number,
  ): Promise<readonly (AccessToken | TokenVaultError)[]> {
    const message = { requests: requests.map((request) => this.#messageOf(request)) };
    const { results } = await this.#calls.unary(TokenService.method.batchGetAccessTokens, message, timeout);
    return results.map(({ result }) => {
      if (result.case === 'token') return toAccessToken(result.value);
      if (result.case === 'error') return statusToError(result.value);
      throw new TypeError('The vault sent a result that this version of @token-vault/client does not know.');
    });
  }

  async #requestForApp({ app, resource, directoryId = '' }: AppTokenRequest, timeout: number): Promise<AccessToken> {
    const message = { app, resource, directoryId, minTtl: { seconds: BigInt(this.#minTtl) } };
    return toAccessToken(await this.#calls.unary(TokenService.method.getAppAccessToken, message, timeout));
  }

  #messageOf({ connection, scopes = [], claims, rejectedToken }: TokenRequest) {
    return {
      connection,
      scopes: [...scopes],
      minTtl: { seconds: BigInt(this.#minTtl) },
      claims: claims ?? '',
      rejectedTokenSha256: rejectedToken === undefined ? '' : createHash('sha256').update(rejectedToken).digest('hex'),
    };
  }
}
