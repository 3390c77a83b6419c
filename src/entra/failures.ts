import { type Duration, HOUR, MINUTE, SECOND, type Timestamp } from '../model/clock.ts';
import type { Failure, FailureKind } from '../model/exchange.ts';
import type { Answer } from './answer.ts';
import {
  FAMILIES,
  KIND_OF_CODE,
  KIND_OF_SUBERROR,
  KINDS_BY_MILDNESS,
  REASON_OF_CODE,
  REASON_OF_KIND,
} from './failure_codes.ts';

/** A failure, with what the rest of this room needs to act on it. */
export interface Meaning {
  readonly failure: Failure;
  readonly codes: readonly number[];
  /** False: an answer that nobody knows. It is not retried, and it opens no circuit. */
  readonly known: boolean;
}

/**
 * What an answer means; undefined: it brings a token. In this order: the transport (429, 5xx, Retry-After, no JSON), the family of
 * `error`, and within the family first the known numbers, then `suberror`. `error_description` names users and is never looked at.
 */
export function classify(answer: Answer, now: Timestamp): Meaning | undefined {
  const body = answer.body ?? {};
  const codes = codesOf(body);
  const error = wordOf(body['error']);
  const suberror = wordOf(body['suberror']);
  const mean = (kind: FailureKind, known = true): Meaning => ({
    failure: {
      kind,
      reason: codes.map((code) => reasonOf(code, kind)).find((reason) => reason !== undefined) ?? REASON_OF_KIND[kind],
      entraError: describe(answer, error, codes, suberror),
      correlationId: correlationOf(body) ?? answer.correlationId,
      retryAfter: waitOf(kind, answer, now),
      claims: claimsOf(body),
    },
    codes,
    known,
  });

  const { status } = answer;
  if (status === undefined) return mean('transient');
  if (status === 429) return mean('throttled');
  if (status >= 500) return mean(answer.retryAfter === undefined ? 'transient' : 'throttled');
  if (status >= 200 && status < 300) return answer.fault === undefined && isToken(body) ? undefined : mean('transient');
  if (answer.fault !== undefined) return mean(answer.retryAfter === undefined ? 'transient' : 'throttled');

  const family = error === undefined ? undefined : FAMILIES.get(error);
  const admitted = new Set(
    codes.map((code) => KIND_OF_CODE.get(code)).filter((kind) => kind && family?.admits.includes(kind)),
  );
  const byCode = KINDS_BY_MILDNESS.find((kind) => admitted.has(kind));
  // A client in a loop is one connection: its Retry-After must not stop the whole app.
  if (byCode === 'looping') return mean('looping');
  if (answer.retryAfter !== undefined) return mean('throttled');
  if (family === undefined || error === undefined) return mean('transient', false);
  if (byCode !== undefined) return mean(byCode);

  const bySuberror = suberror === undefined ? undefined : KIND_OF_SUBERROR.get(suberror);
  if (bySuberror !== undefined && family.admits.includes(bySuberror)) return mean(bySuberror);
  if (error === 'invalid_grant' && codes.length > 0) return mean('suspect');
  return mean(family.otherwise, family.otherwise !== 'transient' || error !== 'access_denied');
}

const THROTTLE_DEFAULT: Duration = MINUTE;
const THROTTLE_CAP: Duration = HOUR;

/** How long to leave Entra alone. RFC 9110, 10.2.3: seconds, or a date. */
function waitOf(kind: FailureKind, answer: Answer, now: Timestamp): Duration | undefined {
  switch (kind) {
    case 'throttled':
      return retryAfterOf(answer, now) ?? THROTTLE_DEFAULT;
    case 'looping':
      return 5 * MINUTE;
    case 'suspect':
      return MINUTE;
    case 'transient':
      return 2 * SECOND;
    default:
      return undefined;
  }
}

/** At least a second, at most an hour; undefined: the answer does not say. */
export function retryAfterOf({ retryAfter, date }: Answer, now: Timestamp): Duration | undefined {
  const text = retryAfter?.trim() ?? '';
  // A date is by the sender's clock, which need not be ours.
  const sent = Date.parse(date ?? '');
  const wait = /^\d{1,10}$/.test(text) ? Number(text) * SECOND : Date.parse(text) - (Number.isNaN(sent) ? now : sent);
  return Number.isFinite(wait) ? Math.min(Math.max(wait, SECOND), THROTTLE_CAP) : undefined;
}

function reasonOf(code: number, kind: FailureKind) {
  return KIND_OF_CODE.get(code) === kind ? REASON_OF_CODE.get(code) : undefined;
}

function isToken(body: Readonly<Record<string, unknown>>): boolean {
  const { access_token: token, token_type: type } = body;
  return typeof token === 'string' && token !== '' && typeof type === 'string' && type.toLowerCase() === 'bearer';
}

function codesOf(body: Readonly<Record<string, unknown>>): number[] {
  const codes = body['error_codes'];
  if (!Array.isArray(codes)) return [];
  const numbers = codes.slice(0, 16).map((code: unknown) => (typeof code === 'string' ? Number(code) : code));
  return numbers.filter((code): code is number => Number.isSafeInteger(code) && Number(code) > 0);
}

/** Protocol words only: whatever else stands there could be somebody's name. */
function wordOf(value: unknown): string | undefined {
  return typeof value === 'string' && /^[a-z][a-z_]{1,39}$/.test(value) ? value : undefined;
}

function describe(
  answer: Answer,
  error: string | undefined,
  codes: readonly number[],
  suberror: string | undefined,
): string {
  const known = error !== undefined && FAMILIES.has(error) ? error : undefined;
  if (known === undefined && codes.length === 0) {
    return answer.status === undefined ? `network/${answer.fault}` : `http/${answer.status}`;
  }
  const detail = codes.map((code) => `AADSTS${code}`).join('+');
  const word = suberror !== undefined && KIND_OF_SUBERROR.has(suberror) ? suberror : undefined;
  return [known ?? 'unknown', detail === '' ? word : detail].filter((part) => part !== undefined).join('/');
}

function correlationOf(body: Readonly<Record<string, unknown>>): string | undefined {
  const id = body['correlation_id'];
  return typeof id === 'string' && /^[0-9a-f-]{36}$/i.test(id) ? id : undefined;
}

/** JSON text for the next authorize URL; anything else would only break that page. */
function claimsOf(body: Readonly<Record<string, unknown>>): string | undefined {
  const { claims } = body;
  if (typeof claims !== 'string' || claims.length > 8192) return undefined;
  try {
    const parsed: unknown = JSON.parse(claims);
    return typeof parsed === 'object' && parsed !== null ? claims : undefined;
  } catch {
    return undefined;
  }
}
