import { type WhoActs, whoActs } from './who_acts.ts';

/** Names of the gRPC status codes that a failed call has. */
export type StatusCode =
  | 'CANCELLED'
  | 'UNKNOWN'
  | 'INVALID_ARGUMENT'
  | 'DEADLINE_EXCEEDED'
  | 'NOT_FOUND'
  | 'ALREADY_EXISTS'
  | 'PERMISSION_DENIED'
  | 'RESOURCE_EXHAUSTED'
  | 'FAILED_PRECONDITION'
  | 'ABORTED'
  | 'OUT_OF_RANGE'
  | 'UNIMPLEMENTED'
  | 'INTERNAL'
  | 'UNAVAILABLE'
  | 'DATA_LOSS'
  | 'UNAUTHENTICATED';

export interface TokenVaultErrorFacts {
  readonly code: StatusCode;
  readonly reason: string;
  /** Default: as the vault's documentation says for the reason. */
  readonly whoActs?: WhoActs | undefined;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  readonly retryAfter?: number | undefined;
  readonly cause?: unknown;
}

/** A failed call. It never contains a token or a key. */
export class TokenVaultError extends Error {
  override readonly name = 'TokenVaultError';
  readonly code: StatusCode;
  /**
   * The vault's reason, such as `REAUTHORIZATION_REQUIRED`. Without an answer of the vault: `VAULT_UNREACHABLE`,
   * `CONNECTION_LOST`, `DEADLINE_EXCEEDED`, or what this package found (`CREDENTIAL_FILE_UNREADABLE`,
   * `TENANT_ID_MISMATCH`, `AUTHORIZATION_CANCELLED`, `AUTHORIZATION_EXPIRED`).
   */
  readonly reason: string;
  /** Who removes the cause. */
  readonly whoActs: WhoActs;
  /** Facts from `google.rpc.ErrorInfo`: `resource`, `entraError`, `correlationId`, … */
  readonly metadata: Readonly<Record<string, string>>;
  /** Milliseconds until a retry can help, if the vault says so. */
  readonly retryAfter: number | undefined;

  constructor(message: string, facts: TokenVaultErrorFacts) {
    super(message, { cause: facts.cause });
    this.code = facts.code;
    this.reason = facts.reason;
    this.whoActs = facts.whoActs ?? whoActs(facts.reason);
    this.metadata = facts.metadata ?? {};
    this.retryAfter = facts.retryAfter;
  }
}

/** Whether the last good token may still be used: the vault did not answer, or says that it cannot answer now. */
export function isOutage({ code }: TokenVaultError): boolean {
  return code === 'UNAVAILABLE' || code === 'DEADLINE_EXCEEDED';
}
