import type { CallbackOutcome } from '../../connect/authorizations.ts';

/** What people are told apart; several reasons can mean the same to them. */
export type OutcomeKind =
  | 'connected'
  | 'declined'
  | 'approvalNeeded'
  | 'consentMissing'
  | 'otherAccount'
  | 'otherDirectory'
  | 'linkOver'
  | 'blocked'
  | 'accountDisabled'
  | 'noLastingAccess'
  | 'signInAgain'
  | 'appFault'
  | 'switchedOff'
  | 'ourFault'
  | 'microsoftAway'
  | 'serviceAway'
  | 'pressedTooOften';

/** A new reason does not compile before it is said what people see. Those of callers alone never come here: were one to, it is our fault. */
const KINDS = {
  GRANTED: 'connected',
  AUTHORIZATION_DECLINED: 'declined',
  ADMIN_CONSENT_REQUIRED: 'approvalNeeded',
  CONSENT_REQUIRED: 'consentMissing',
  SCOPE_NOT_GRANTED: 'consentMissing',
  ACCOUNT_MISMATCH: 'otherAccount',
  DIRECTORY_NOT_ALLOWED: 'otherDirectory',
  STATE_INVALID: 'linkOver',
  CONNECTION_NOT_FOUND: 'linkOver',
  BLOCKED_BY_POLICY: 'blocked',
  ACCOUNT_DISABLED: 'accountDisabled',
  NO_REFRESH_TOKEN: 'noLastingAccess',
  CONNECTION_PENDING: 'signInAgain',
  REAUTHORIZATION_REQUIRED: 'signInAgain',
  REFRESH_TOKEN_REJECTED: 'signInAgain',
  APP_CREDENTIAL_REJECTED: 'appFault',
  APP_CREDENTIAL_EXPIRED: 'appFault',
  APP_MISCONFIGURED: 'appFault',
  APP_NOT_FOUND: 'appFault',
  SCOPE_UNKNOWN: 'appFault',
  TENANT_SUSPENDED: 'switchedOff',
  APP_SUSPENDED: 'switchedOff',
  CONNECTION_SUSPENDED: 'switchedOff',
  TENANT_NOT_FOUND: 'switchedOff',
  ENTRA_UNAVAILABLE: 'microsoftAway',
  ENTRA_THROTTLED: 'microsoftAway',
  APP_CREDENTIAL_PROPAGATING: 'microsoftAway',
  DATABASE_UNAVAILABLE: 'serviceAway',
  KEY_SOURCE_UNAVAILABLE: 'serviceAway',
  AUDIT_UNAVAILABLE: 'serviceAway',
  OVERLOADED: 'serviceAway',
  RATE_LIMITED: 'pressedTooOften',
  INTERNAL: 'ourFault',
  RECORD_CORRUPT: 'ourFault',
  APP_IN_USE: 'ourFault',
  TENANT_NOT_EMPTY: 'ourFault',
  SCOPES_SPAN_RESOURCES: 'ourFault',
  NAME_INVALID: 'ourFault',
  FIELD_INVALID: 'ourFault',
  TTL_UNATTAINABLE: 'ourFault',
  CREDENTIAL_NOT_FOUND: 'ourFault',
  TENANT_EXISTS: 'ourFault',
  APP_EXISTS: 'ourFault',
  CONNECTION_EXISTS: 'ourFault',
  CREDENTIAL_EXISTS: 'ourFault',
  ETAG_MISMATCH: 'ourFault',
  UNAUTHENTICATED: 'ourFault',
  ACCESS_DENIED: 'ourFault',
  SCOPE_ABOVE_CEILING: 'ourFault',
} satisfies Record<CallbackOutcome['outcome'], OutcomeKind>;

export function outcomeKind(outcome: CallbackOutcome['outcome']): OutcomeKind {
  return KINDS[outcome];
}

export type Mark = 'done' | 'stopped' | 'person' | 'fault' | 'later';

interface Facts {
  readonly status: number;
  readonly mark: Mark;
  readonly mover: WhoActs;
  /** Somebody must be told, so that they can find it in the logs. */
  readonly reference: boolean;
}

/** How a page of the kind looks and what it answers. */
export const OUTCOME_FACTS: Readonly<Record<OutcomeKind, Facts>> = {
  connected: { status: 200, mark: 'done', mover: 'nobody', reference: false },
  declined: { status: 400, mark: 'stopped', mover: 'you', reference: false },
  approvalNeeded: { status: 400, mark: 'person', mover: 'administrator', reference: false },
  consentMissing: { status: 400, mark: 'stopped', mover: 'you', reference: false },
  otherAccount: { status: 400, mark: 'stopped', mover: 'you', reference: false },
  otherDirectory: { status: 400, mark: 'stopped', mover: 'you', reference: false },
  linkOver: { status: 400, mark: 'stopped', mover: 'you', reference: false },
  blocked: { status: 400, mark: 'person', mover: 'administrator', reference: false },
  accountDisabled: { status: 400, mark: 'person', mover: 'administrator', reference: false },
  noLastingAccess: { status: 400, mark: 'stopped', mover: 'you', reference: true },
  signInAgain: { status: 400, mark: 'stopped', mover: 'you', reference: false },
  appFault: { status: 400, mark: 'fault', mover: 'product', reference: true },
  switchedOff: { status: 400, mark: 'fault', mover: 'product', reference: true },
  ourFault: { status: 500, mark: 'fault', mover: 'product', reference: true },
  microsoftAway: { status: 503, mark: 'later', mover: 'time', reference: false },
  serviceAway: { status: 503, mark: 'later', mover: 'time', reference: false },
  pressedTooOften: { status: 429, mark: 'stopped', mover: 'you', reference: false },
};
export type WhoActs = 'nobody' | 'you' | 'administrator' | 'product' | 'time';
