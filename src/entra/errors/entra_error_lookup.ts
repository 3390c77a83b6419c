import type { FailureKind, FailureSubject } from '../../model/token_request_outcome.ts';
import { ENTRA_ERRORS, type EntraError } from './entra_error_table.ts';

const ROWS_BY_CODE: ReadonlyMap<number, readonly EntraError[]> = Map.groupBy(ENTRA_ERRORS, ({ code }) => code);

/** If a response has several codes, the kind that does the least harm to stored state wins. */
const LEAST_HARMFUL_FIRST: readonly FailureKind[] = [
  'throttled',
  'transient',
  'loop_detected',
  'app_credential',
  'app_config',
  'consent',
  'blocked',
  'reauthorize',
  'ambiguous',
  'caller',
  'vault_fault',
];

/**
 * The row for a response with these codes; undefined if no code is known. If a code has several rows, the one with this
 * `error` applies, else all of them. RFC 6749 reserves `invalid_grant` for faults of the grant, so a code of client
 * authentication proves nothing there.
 */
export function findRow(codes: readonly number[], error: string | undefined): EntraError | undefined {
  const rows = codes.flatMap((code) => {
    const known = ROWS_BY_CODE.get(code) ?? [];
    return known.find(({ errors }) => error !== undefined && errors.includes(error)) ?? known;
  });
  const admitted = rows.filter(({ kind }) => kind !== 'app_credential' || error !== 'invalid_grant');
  return LEAST_HARMFUL_FIRST.flatMap((kind) => admitted.find((row) => row.kind === kind) ?? [])[0];
}

/** Codes for a credential that was added recently and has not reached all of Entra. */
export const NOT_YET_REPLICATED: ReadonlySet<number> = new Set([
  7000215, 700027, 70021, 700211, 700212, 700213, 7002137, 7002138,
]);

interface Meaning {
  readonly kind: FailureKind;
  readonly subject: FailureSubject;
}

/** Suberrors, if no code is known: MSAL's `OAuth2SubErrorCode` and `UiRequiredExceptionClassification`. */
export const MEANING_OF_SUBERROR: ReadonlyMap<string, Meaning> = new Map<string, Meaning>([
  ['bad_token', { kind: 'reauthorize', subject: 'connection' }],
  ['token_expired', { kind: 'reauthorize', subject: 'connection' }],
  ['user_password_expired', { kind: 'reauthorize', subject: 'connection' }],
  ['client_mismatch', { kind: 'reauthorize', subject: 'connection' }],
  ['basic_action', { kind: 'reauthorize', subject: 'resource' }],
  ['consent_required', { kind: 'consent', subject: 'resource' }],
  ['message_only', { kind: 'blocked', subject: 'resource' }],
  ['additional_action', { kind: 'blocked', subject: 'resource' }],
  ['protection_policy_required', { kind: 'blocked', subject: 'resource' }],
  ['device_authentication_failed', { kind: 'blocked', subject: 'resource' }],
]);

/**
 * Meaning of an `error` word if neither code nor suberror is known (RFC 6749, 5.2; OpenID Connect Core, 3.1.2.6).
 * `withCode`: the response has an unknown code, which can mean anything.
 */
export function meaningOfError(error: string, withCode: boolean): Meaning | undefined {
  switch (error) {
    case 'invalid_grant':
      return withCode ? { kind: 'ambiguous', subject: 'resource' } : { kind: 'reauthorize', subject: 'connection' };
    case 'interaction_required':
    case 'login_required':
      return { kind: withCode ? 'ambiguous' : 'reauthorize', subject: 'resource' };
    case 'consent_required':
      return { kind: 'consent', subject: 'resource' };
    case 'invalid_client':
    case 'unauthorized_client':
    case 'invalid_scope':
    case 'invalid_resource':
    case 'invalid_request':
    case 'invalid_tenant':
      return { kind: 'app_config', subject: 'request' };
    case 'unsupported_grant_type':
      return withCode ? { kind: 'app_config', subject: 'request' } : { kind: 'vault_fault', subject: 'vault' };
    case 'temporarily_unavailable':
    case 'server_error':
      return { kind: 'transient', subject: 'entra' };
    default:
      return undefined;
  }
}

/** `error` words that RFC 6749, OpenID Connect and Entra define: safe to log and to show. */
const ERROR_WORDS: ReadonlySet<string> = new Set([
  ...ENTRA_ERRORS.flatMap(({ errors }) => errors),
  'invalid_tenant',
  'login_required',
  'unsupported_grant_type',
  'unsupported_response_type',
]);

export function isErrorWord(word: string): boolean {
  return ERROR_WORDS.has(word);
}
