import type { AccessToken } from './access_token.ts';
import type { Duration } from './clock.ts';
import type { Account } from './connection.ts';
import type { Reason } from './errors.ts';
import type { Secret } from './secret.ts';

/** Meaning of Entra's response, which decides whose state changes: see `entra/errors/classify_entra_response.ts`. */
export type FailureKind =
  | 'transient'
  | 'throttled'
  | 'loop_detected'
  | 'app_credential'
  | 'app_config'
  | 'reauthorize'
  | 'consent'
  | 'blocked'
  | 'ambiguous'
  | 'caller'
  | 'vault_fault';

/**
 * The smallest thing that explains Entra's response, and whose state alone it changes at first.
 * `request`: one connection's resource, scopes and claims. `resource`: one resource of one connection. `connection`: its grant.
 */
export type FailureSubject =
  | 'request'
  | 'resource'
  | 'connection'
  | 'resource_in_directory'
  | 'directory'
  | 'credential'
  | 'app'
  | 'entra'
  | 'caller'
  | 'vault';

export interface Failure {
  readonly kind: FailureKind;
  readonly subject: FailureSubject;
  /** For callers. */
  readonly reason: Reason;
  /** Entra's codes alone, such as `invalid_grant/AADSTS50173`; never its description, which may name people. */
  readonly entraError: string | undefined;
  readonly correlationId: string | undefined;
  readonly retryAfter: Duration | undefined;
  /** A claims challenge to pass on to the next authorize URL. */
  readonly claims: string | undefined;
  /** What to do, if that is more than the reason implies: one or two sentences. */
  readonly hint?: string | undefined;
}

/** A failure that the vault finds itself, so without codes of Entra's unless `facts` name one. */
export function newFailure(
  kind: FailureKind,
  subject: FailureSubject,
  reason: Reason,
  facts: Partial<Pick<Failure, 'entraError' | 'correlationId' | 'retryAfter'>>,
): Failure {
  const { entraError, correlationId, retryAfter } = facts;
  return { kind, subject, reason, entraError, correlationId, retryAfter, claims: undefined };
}

/** An exchange that returned a token, checked: non-empty, Bearer, a plausible expiry. */
export interface Granted {
  readonly kind: 'granted';
  readonly accessToken: AccessToken;
  /** Absent if Entra sent none: the old one stays valid. */
  readonly refreshToken: Secret | undefined;
  /** From the id_token; absent without one. */
  readonly account: Account | undefined;
}

export type Outcome = Granted | Failure;
