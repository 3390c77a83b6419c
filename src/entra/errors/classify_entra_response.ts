import { type Duration, HOUR, MINUTE, SECOND, type Timestamp } from '../../model/clock.ts';
import type { Reason } from '../../model/errors.ts';
import type { Failure, FailureKind, FailureSubject } from '../../model/token_request_outcome.ts';
import { type JsonObject, parseJsonObject } from '../json_object.ts';
import type { RawTokenResponse } from '../raw_response.ts';
import { findRow, isErrorWord, MEANING_OF_SUBERROR, meaningOfError } from './entra_error_lookup.ts';

/** A failure, with the details that the vault needs to act on it. */
export interface Meaning {
  readonly failure: Failure;
  readonly codes: readonly number[];
  readonly suberror: string | undefined;
  /** False: neither the code nor, without a code, the `error` word is known. Not retried; does not open the circuit. */
  readonly known: boolean;
  /** `invalid_client` without a known code: it may be the credential's fault (RFC 6749, 5.2); a probe can tell. */
  readonly suspectsCredential: boolean;
}

/**
 * Meaning of a response; undefined: it grants a token. In this order: the transport (429, 5xx, Retry-After, no JSON),
 * the known codes, the suberror, the `error` word. `error_description` names users and is never read.
 */
export function classify(response: RawTokenResponse, now: Timestamp): Meaning | undefined {
  const body = response.body ?? {};
  const codes = codesOf(body);
  const error = wordOf(body['error']);
  const suberror = wordOf(body['suberror']);
  const mean = (
    kind: FailureKind,
    subject: FailureSubject,
    more: { reason?: Reason; known?: boolean; hint?: string | undefined } = {},
  ): Meaning => {
    const known = more.known ?? true;
    return {
      failure: {
        kind,
        subject,
        reason: more.reason ?? REASON_OF_KIND[kind],
        entraError: describe(response, error, codes, suberror),
        correlationId: correlationOf(body) ?? response.correlationId,
        retryAfter: waitOf(kind, known, response, now),
        claims: claimsOf(body),
        hint: more.hint,
      },
      codes,
      suberror,
      known,
      suspectsCredential: !known && error === 'invalid_client',
    };
  };
  const waiting = () => mean(response.retryAfter === undefined ? 'transient' : 'throttled', 'entra');

  const { status } = response;
  if (status === undefined) return mean('transient', 'entra');
  if (status === 429) return mean('throttled', 'entra');
  const row = findRow(codes, error);
  // Loop detection is about one connection, whatever the status: its Retry-After must not stop the whole app.
  const isLooping =
    row?.kind === 'loop_detected' && (status < 500 || (error !== undefined && row.errors.includes(error)));
  if (status >= 500 && !isLooping) return waiting();
  if (status >= 200 && status < 300) {
    return response.fault === undefined && isToken(body) ? undefined : mean('transient', 'entra');
  }
  if (response.fault !== undefined) return waiting();

  if (!isLooping && response.retryAfter !== undefined) return mean('throttled', 'entra');
  if (row !== undefined) return mean(row.kind, row.subject, { reason: row.reason, hint: row.hint });
  const bySuberror = suberror === undefined ? undefined : MEANING_OF_SUBERROR.get(suberror);
  if (bySuberror !== undefined) return mean(bySuberror.kind, bySuberror.subject);
  const byError = error === undefined ? undefined : meaningOfError(error, codes.length > 0);
  // An `error` word that no standard defines only shows that this request failed.
  if (byError === undefined) return mean('transient', 'request', { known: false });
  return mean(byError.kind, byError.subject, {
    // Entra names a code when it refuses a client: without one, the meaning is not known.
    known: codes.length === 0 && byError.kind !== 'app_config',
  });
}

/** Error response at the redirect URI, of a sign-in (RFC 6749, 4.1.2.1) or of an administrator's consent. */
export function classifyAuthorizationError(error: string, codes: readonly number[]): Failure {
  const row = findRow(codes, error);
  const meaning = row ?? meaningOfError(error, codes.length > 0) ?? { kind: 'app_config', subject: 'request' };
  // These words only show that the person declined, unless a known code gives another explanation.
  const isDeclined = codes.includes(DECLINED_CODE) || (row === undefined && DECLINED_WORDS.has(error));
  return {
    kind: meaning.kind,
    subject: meaning.subject,
    reason: isDeclined ? 'AUTHORIZATION_DECLINED' : (row?.reason ?? REASON_OF_KIND[meaning.kind]),
    entraError: [isErrorWord(error) ? error : 'other', ...codes.map((code) => `AADSTS${code}`)].join('/'),
    correlationId: undefined,
    retryAfter: undefined,
    claims: undefined,
    hint: row?.hint,
  };
}

/** The user or administrator declined. `permission_denied` is the word of Entra's older endpoint. */
const DECLINED_CODE = 65004;
const DECLINED_WORDS: ReadonlySet<string> = new Set(['access_denied', 'permission_denied']);

const REASON_OF_KIND = {
  transient: 'ENTRA_UNAVAILABLE',
  throttled: 'ENTRA_THROTTLED',
  loop_detected: 'ENTRA_THROTTLED',
  app_credential: 'APP_CREDENTIAL_REJECTED',
  app_config: 'APP_MISCONFIGURED',
  reauthorize: 'REAUTHORIZATION_REQUIRED',
  consent: 'CONSENT_REQUIRED',
  blocked: 'BLOCKED_BY_POLICY',
  ambiguous: 'ENTRA_UNAVAILABLE',
  caller: 'FIELD_INVALID',
  vault_fault: 'INTERNAL',
} as const satisfies Record<FailureKind, Reason>;

const THROTTLE_DEFAULT: Duration = MINUTE;
const THROTTLE_CAP: Duration = HOUR;

/** How long to wait before the next request. */
function waitOf(kind: FailureKind, known: boolean, response: RawTokenResponse, now: Timestamp): Duration | undefined {
  switch (kind) {
    case 'throttled':
      return retryAfterOf(response, now) ?? THROTTLE_DEFAULT;
    case 'loop_detected':
      return 5 * MINUTE;
    case 'ambiguous':
      return MINUTE;
    case 'transient':
      return known ? 2 * SECOND : MINUTE;
    default:
      return undefined;
  }
}

/** At least a second, at most an hour; undefined: no Retry-After. RFC 9110, 10.2.3: seconds, or a date. */
export function retryAfterOf({ retryAfter, date }: RawTokenResponse, now: Timestamp): Duration | undefined {
  const text = retryAfter?.trim() ?? '';
  // A date refers to the sender's clock, which may differ from ours.
  const sent = Date.parse(date ?? '');
  const wait = /^\d{1,10}$/.test(text) ? Number(text) * SECOND : Date.parse(text) - (Number.isNaN(sent) ? now : sent);
  return Number.isFinite(wait) ? Math.min(Math.max(wait, SECOND), THROTTLE_CAP) : undefined;
}

function isToken(body: JsonObject): boolean {
  const { access_token: token, token_type: type } = body;
  return typeof token === 'string' && token !== '' && typeof type === 'string' && type.toLowerCase() === 'bearer';
}

function codesOf(body: JsonObject): number[] {
  const codes = body['error_codes'];
  if (!Array.isArray(codes)) return [];
  const numbers = codes.slice(0, 16).map((code: unknown) => (typeof code === 'string' ? Number(code) : code));
  return numbers.filter((code): code is number => Number.isSafeInteger(code) && Number(code) > 0);
}

/** Protocol words only: other text could be a person's name. */
function wordOf(value: unknown): string | undefined {
  return typeof value === 'string' && /^[a-z][a-z_]{1,39}$/.test(value) ? value : undefined;
}

function describe(
  response: RawTokenResponse,
  error: string | undefined,
  codes: readonly number[],
  suberror: string | undefined,
): string {
  const known = error !== undefined && isErrorWord(error) ? error : undefined;
  if (known === undefined && codes.length === 0) {
    return response.status === undefined ? `network/${response.fault}` : `http/${response.status}`;
  }
  const detail = codes.map((code) => `AADSTS${code}`).join('+');
  const word = suberror !== undefined && MEANING_OF_SUBERROR.has(suberror) ? suberror : undefined;
  return [known ?? 'unknown', detail === '' ? word : detail].filter((part) => part !== undefined).join('/');
}

function correlationOf(body: JsonObject): string | undefined {
  const id = body['correlation_id'];
  return typeof id === 'string' && /^[0-9a-f-]{36}$/i.test(id) ? id : undefined;
}

/** JSON text for the next authorize URL; other text would break that page. */
function claimsOf(body: JsonObject): string | undefined {
  const { claims } = body;
  if (typeof claims !== 'string' || claims.length > 8192) return undefined;
  return parseJsonObject(claims) === undefined ? undefined : claims;
}
