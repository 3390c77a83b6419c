import type { Duration } from './clock.ts';
import type { MetadataKey } from './error_metadata_keys.ts';

/**
 * The closed list of error reasons, by who must act. `rpc/pipeline/vault_error_to_grpc_status.ts` gives each its gRPC status;
 * `proto/tokenvault/v1/error_reason.proto` publishes it.
 */
export const REASONS_BY_ACTOR = {
  /** Signs in again, or consents. */
  user: ['CONNECTION_PENDING', 'REAUTHORIZATION_REQUIRED', 'CONSENT_REQUIRED', 'SCOPE_NOT_GRANTED'],
  /** Of the customer's directory: consents, or changes a policy or an account. */
  administrator: ['ADMIN_CONSENT_REQUIRED', 'BLOCKED_BY_POLICY', 'ACCOUNT_DISABLED', 'DIRECTORY_NOT_ALLOWED'],
  /** Repairs the app registration. */
  app_operator: ['APP_CREDENTIAL_REJECTED', 'APP_CREDENTIAL_EXPIRED', 'APP_MISCONFIGURED'],
  /** Decided so, or has to complete another step first. */
  operator: [
    'APP_IN_USE',
    'TENANT_NOT_EMPTY',
    'TENANT_SUSPENDED',
    'APP_SUSPENDED',
    'CONNECTION_SUSPENDED',
    'CONTAINED',
    'ROOT_KEY_MISSING',
  ],
  /** Corrects its request. */
  caller: [
    'ACCOUNT_MISMATCH',
    'AUTHORIZATION_DECLINED',
    'NO_REFRESH_TOKEN',
    'REFRESH_TOKEN_REJECTED',
    'SCOPE_UNKNOWN',
    'SCOPES_SPAN_RESOURCES',
    'NAME_INVALID',
    'FIELD_INVALID',
    'STATE_INVALID',
    'TTL_UNATTAINABLE',
    'TENANT_NOT_FOUND',
    'APP_NOT_FOUND',
    'CONNECTION_NOT_FOUND',
    'CREDENTIAL_NOT_FOUND',
    'TENANT_EXISTS',
    'APP_EXISTS',
    'CONNECTION_EXISTS',
    'CREDENTIAL_EXISTS',
    'ETAG_MISMATCH',
  ],
  /** Changes the callers file. */
  callers_operator: ['UNAUTHENTICATED', 'ACCESS_DENIED', 'SCOPE_ABOVE_CEILING'],
  /** Entra recovers: a retry helps. */
  entra: ['ENTRA_UNAVAILABLE', 'ENTRA_THROTTLED', 'APP_CREDENTIAL_PROPAGATING'],
  /** The vault recovers: a retry helps. */
  vault: ['DATABASE_UNAVAILABLE', 'KEY_SOURCE_UNAVAILABLE', 'AUDIT_UNAVAILABLE'],
  /** All callers back off, because the vault has too much to do. */
  capacity: ['OVERLOADED'],
  /** The caller backs off, because it calls too often. */
  rate: ['RATE_LIMITED'],
  operator_at_once: ['RECORD_CORRUPT'],
  developers: ['INTERNAL'],
} as const;

export type Actor = keyof typeof REASONS_BY_ACTOR;
export type Reason = (typeof REASONS_BY_ACTOR)[Actor][number];

export const REASONS: readonly Reason[] = Object.values(REASONS_BY_ACTOR).flat();

export interface VaultErrorDetails {
  /** For programs; sent to the caller as `ErrorInfo.metadata`, so never a secret or a person's name. */
  metadata?: Readonly<Partial<Record<MetadataKey, string | undefined>>>;
  /** Milliseconds from now; sent as `RetryInfo`. */
  retryAfter?: Duration | undefined;
  /** What to do about Entra's response, if that is more than the reason implies: part of the message, and for the log. */
  hint?: string | undefined;
  /** The underlying error; for the log alone. */
  cause?: unknown;
}

/**
 * The one error that crosses module boundaries. Its message says what happened, to which resource, and what to do next.
 * Only INTERNAL has a stack: to capture one costs a tenth of a refused call, and nothing reads it.
 */
export class VaultError extends Error {
  override readonly name = 'VaultError';
  readonly reason: Reason;
  readonly metadata: Readonly<Record<string, string>>;
  readonly retryAfter: Duration | undefined;
  readonly hint: string | undefined;

  constructor(reason: Reason, message: string, details: VaultErrorDetails = {}) {
    const { stackTraceLimit } = Error;
    if (reason !== 'INTERNAL') Error.stackTraceLimit = 0;
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    Error.stackTraceLimit = stackTraceLimit;
    this.reason = reason;
    const isKnown = (entry: [string, string | undefined]): entry is [string, string] => entry[1] !== undefined;
    this.metadata = Object.fromEntries(Object.entries(details.metadata ?? {}).filter(isKnown));
    this.retryAfter = details.retryAfter;
    this.hint = details.hint;
  }
}

export function isVaultError(error: unknown, ...reasons: Reason[]): error is VaultError {
  return error instanceof VaultError && (reasons.length === 0 || reasons.includes(error.reason));
}

/** `field` as the caller spells it (`app.client_id`); `message` says what it must be. */
export function fieldInvalid(field: string, message: string): VaultError {
  return new VaultError('FIELD_INVALID', `${field}: ${message}`, { metadata: { field } });
}
