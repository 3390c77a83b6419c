import type { AnswerRow } from './answer_rows.ts';

/** What ends a refusal once Entra would grant again. None of it requires an operator. */
export type Cure =
  | '5 minutes'
  | 'a day'
  /** VerifyConnection, by the user or the product: the refresh token may be valid. */
  | 'VerifyConnection'
  | 'sign-in';

/** Expected effect of a response to one user; names as in the proto files. */
export interface Expected {
  readonly first: string;
  /** 61 s later. */
  readonly second: string;
  /** At the redirect URI, and when the code is redeemed there. */
  readonly callback: string;
  /** Of user A. */
  readonly connectionState: string;
  readonly resourceState: string;
  /** In `state_reason` of what is not ACTIVE. */
  readonly stateReason: string | undefined;
  /** The response is about the grant, so it affects A's other resource, too. */
  readonly isAboutGrant: boolean;
  /** Entra is not called again 61 s later. */
  readonly isHeld: boolean;
  /** Entra throttles the app in this directory. */
  readonly isThrottled: boolean;
  /** Only the caller with claims gets it. */
  readonly isOfCaller: boolean;
  readonly cure: Cure;
}

export type Subject =
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

const EXPIRED = new Set([7000222, 1000502]);
const BY_ADMINISTRATOR = new Set([90093, 90094, 90095]);
const DISABLED = new Set([50057, 500571, 50034, 500341, 51004]);
const DISABLED_IN_DIRECTORY = new Set([7000112, 90002, 500014, 50001, 650054, 7000118]);
const OTHER_CLOUD = new Set([90038, 900439, 900382, 900432]);
const DECLINED = 65004;
/** While a user signs in, it is of a directory that nobody administers: https://github.com/AzureAD/microsoft-authentication-library-for-objc/issues/917 */
const UNMANAGED = 650051;
/** A minute is long enough to ask once more: it may pass, or it was of one caller's claims. */
const ASKED_AGAIN = new Set(['transient', 'throttled', 'ambiguous', 'consent', 'caller']);

/** The kind without the words that the table adds to it: what is right for tokens. */
export function kindOf({ kind }: AnswerRow): string {
  return /^\w+/.exec(kind)?.[0] ?? '';
}

export function reasonOf(row: AnswerRow): string {
  const { code, subject } = row;
  switch (kindOf(row)) {
    case 'transient':
    case 'ambiguous':
      return 'ENTRA_UNAVAILABLE';
    case 'throttled':
    case 'loop_detected':
      return 'ENTRA_THROTTLED';
    case 'app_credential':
      return EXPIRED.has(code) ? 'APP_CREDENTIAL_EXPIRED' : 'APP_CREDENTIAL_REJECTED';
    case 'app_config':
      if (subject !== 'directory' && subject !== 'resource_in_directory') return 'APP_MISCONFIGURED';
      if (OTHER_CLOUD.has(code)) return 'APP_MISCONFIGURED';
      return DISABLED_IN_DIRECTORY.has(code) ? 'BLOCKED_BY_POLICY' : 'ADMIN_CONSENT_REQUIRED';
    case 'reauthorize':
      return 'REAUTHORIZATION_REQUIRED';
    case 'consent':
      return BY_ADMINISTRATOR.has(code) ? 'ADMIN_CONSENT_REQUIRED' : 'CONSENT_REQUIRED';
    case 'blocked':
      return DISABLED.has(code) ? 'ACCOUNT_DISABLED' : 'BLOCKED_BY_POLICY';
    case 'caller':
      return 'FIELD_INVALID';
    case 'vault_fault':
      return 'INTERNAL';
    default:
      throw new Error(`the table has an unknown kind: ${row.kind}`);
  }
}

export function expectedOf(row: AnswerRow): Expected {
  const kind = kindOf(row);
  const reason = reasonOf(row);
  const base: Expected = {
    first: reason,
    second: reason,
    callback: callbackReason(row, kind, reason),
    connectionState: 'ACTIVE',
    resourceState: 'ACTIVE',
    stateReason: undefined,
    isAboutGrant: row.subject === 'connection',
    isHeld: !ASKED_AGAIN.has(kind),
    isThrottled: kind === 'throttled',
    isOfCaller: row.subject === 'caller',
    cure: '5 minutes',
  };
  const isRefusal = kind === 'reauthorize' || kind === 'consent' || kind === 'blocked';
  if (row.subject === 'resource' && isRefusal) {
    const cure = kind === 'consent' ? '5 minutes' : 'a day';
    return { ...base, resourceState: STATES[kind], stateReason: reason, cure };
  }
  if (row.subject !== 'connection') return base;
  switch (kind) {
    case 'reauthorize':
    case 'blocked': {
      const state = STATES[kind];
      const cure = kind === 'blocked' ? 'a day' : 'sign-in';
      return { ...base, connectionState: state, resourceState: state, stateReason: reason, cure };
    }
    case 'ambiguous': {
      // Two strikes.
      const state = STATES.reauthorize;
      const refused = { connectionState: state, resourceState: state, stateReason: state };
      return { ...base, ...refused, second: state, cure: 'VerifyConnection' };
    }
    case 'loop_detected':
      // The connection is left alone for 5 minutes.
      return { ...base, first: 'ENTRA_UNAVAILABLE', second: 'ENTRA_UNAVAILABLE' };
    default:
      throw new Error(`the table has no rule for ${kind} of a ${row.subject}`);
  }
}

const STATES = {
  reauthorize: 'REAUTHORIZATION_REQUIRED',
  consent: 'CONSENT_REQUIRED',
  blocked: 'BLOCKED',
} as const;

/** Nothing is stored yet that a second answer could confirm; and what a visitor did wrong, the visitor does again. */
function callbackReason({ code, whoActs }: AnswerRow, kind: string, reason: string): string {
  if (code === DECLINED) return 'AUTHORIZATION_DECLINED';
  if (code === UNMANAGED) return 'BLOCKED_BY_POLICY';
  const isVisitors = kind === 'vault_fault' && whoActs.startsWith('visitor');
  return kind === 'ambiguous' || isVisitors ? 'REAUTHORIZATION_REQUIRED' : reason;
}

/** The closed list of reasons, as far as answers of Entra lead to them: the status of the call, and who acts. */
export const REASONS: Readonly<Record<string, { readonly status: string; readonly actor: string }>> = {
  ENTRA_UNAVAILABLE: { status: 'UNAVAILABLE', actor: 'nobody' },
  ENTRA_THROTTLED: { status: 'UNAVAILABLE', actor: 'nobody' },
  REAUTHORIZATION_REQUIRED: { status: 'FAILED_PRECONDITION', actor: 'user' },
  CONSENT_REQUIRED: { status: 'FAILED_PRECONDITION', actor: 'user' },
  ADMIN_CONSENT_REQUIRED: { status: 'FAILED_PRECONDITION', actor: 'administrator' },
  BLOCKED_BY_POLICY: { status: 'FAILED_PRECONDITION', actor: 'administrator' },
  ACCOUNT_DISABLED: { status: 'FAILED_PRECONDITION', actor: 'administrator' },
  APP_CREDENTIAL_EXPIRED: { status: 'FAILED_PRECONDITION', actor: 'operator' },
  APP_CREDENTIAL_REJECTED: { status: 'FAILED_PRECONDITION', actor: 'operator' },
  APP_MISCONFIGURED: { status: 'FAILED_PRECONDITION', actor: 'operator' },
  FIELD_INVALID: { status: 'INVALID_ARGUMENT', actor: 'caller' },
  INTERNAL: { status: 'INTERNAL', actor: 'vault' },
};
