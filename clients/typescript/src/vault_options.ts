/** How to reach the vault, and as which caller. */
export interface TokenVaultOptions {
  /**
   * `host:port`, `dns:///host:port`, `ipv4:a:port,b:port` or `unix:/path`. Calls go to all addresses of the name in turn.
   */
  readonly address: string;
  /** File with the API key (`tv1_…`). It is read for each call, so a new key needs no restart. */
  readonly apiKeyFile?: string | undefined;
  /** File with a JWT of Kubernetes, Entra or SPIRE, such as a projected token. It is read for each call. */
  readonly tokenFile?: string | undefined;
  /** TLS. Default: the CAs of Node; on loopback, plaintext. */
  readonly tls?: TlsOptions | undefined;
  /** Milliseconds that a call may take, retries included. Default 15,000. */
  readonly timeout?: number | undefined;
  /** Seconds that a token must still be valid when the vault serves it. Default 60, at most 300. */
  readonly minTtl?: number | undefined;
  /** Honor `https_proxy` and `no_proxy`. Default: false. */
  readonly proxy?: boolean | undefined;
  /** The time in milliseconds since 1970. Default: `Date.now`. For tests with a clock that moves. */
  readonly now?: (() => number) | undefined;
}

/** Files in PEM. They are read again when they change. */
export interface TlsOptions {
  /** The CA of the vault's certificate. Default: the CAs of Node. */
  readonly caFile?: string | undefined;
  /** The client certificate (mTLS), followed by its intermediate CAs. */
  readonly certificateFile?: string | undefined;
  /** The private key of the client certificate. */
  readonly keyFile?: string | undefined;
  /** The name in the vault's certificate, if it is not the host of the address. */
  readonly serverName?: string | undefined;
}
