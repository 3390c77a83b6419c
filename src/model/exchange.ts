import type { AccessToken } from './access_token.ts';
import type { Duration } from './clock.ts';
import type { Account } from './connection.ts';
import type { Reason } from './errors.ts';
import type { Secret } from './secret.ts';

/** What an answer of Entra means for us, which decides what is blamed: see docs of `entra/errors/classify_error.ts`. */
export type FailureKind =
  | 'transient'
  | 'throttled'
  | 'looping'
  | 'app_credential'
  | 'app_config'
  | 'reauthorize'
  | 'consent'
  | 'blocked'
  | 'suspect'
  | 'caller'
  | 'ours';

/**
 * The smallest thing that explains an answer of Entra, and against which alone it counts at first.
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
  /** What a caller would be told. */
  readonly reason: Reason;
  /** Entra's codes alone, such as `invalid_grant/AADSTS50173`; never its description, which may name people. */
  readonly entraError: string | undefined;
  readonly correlationId: string | undefined;
  readonly retryAfter: Duration | undefined;
  /** A claims challenge to pass on to the next authorize URL. */
  readonly claims: string | undefined;
  /** What to do, if that is more than the reason says: one or two sentences. */
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

/** An exchange that brought a token, checked: non-empty, Bearer, a sane end. */
export interface Granted {
  readonly kind: 'granted';
  readonly accessToken: AccessToken;
  /** Absent where Entra sent none: the old one goes on. */
  readonly refreshToken: Secret | undefined;
  /** Of the id_token; absent where none came. */
  readonly account: Account | undefined;
}

export type Outcome = Granted | Failure;
