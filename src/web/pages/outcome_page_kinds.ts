import type { CallbackOutcome } from '../../connect/browser_callback_flow.ts';

/** Which person must act next; `time`: waiting is enough. */
export type WhoActs = 'nobody' | 'you' | 'administrator' | 'product' | 'time';

interface OutcomeFacts {
  readonly status: number;
  readonly whoActs: WhoActs;
  /** The next step is to send the reference to support. Other error pages show it last. */
  readonly forSupport: boolean;
}

/** The kinds of outcome that users can distinguish; several reasons can mean the same to them. */
export const OUTCOME_FACTS = {
  connected: { status: 200, whoActs: 'nobody', forSupport: false },
  declined: { status: 400, whoActs: 'you', forSupport: false },
  cancelled: { status: 200, whoActs: 'you', forSupport: false },
  approvalNeeded: { status: 400, whoActs: 'administrator', forSupport: false },
  consentMissing: { status: 400, whoActs: 'you', forSupport: false },
  otherAccount: { status: 400, whoActs: 'you', forSupport: false },
  otherDirectory: { status: 400, whoActs: 'you', forSupport: false },
  linkInvalid: { status: 400, whoActs: 'you', forSupport: false },
  blocked: { status: 400, whoActs: 'administrator', forSupport: false },
  accountDisabled: { status: 400, whoActs: 'administrator', forSupport: false },
  noLastingAccess: { status: 400, whoActs: 'you', forSupport: true },
  signInAgain: { status: 400, whoActs: 'you', forSupport: false },
  appFault: { status: 400, whoActs: 'product', forSupport: true },
  suspended: { status: 400, whoActs: 'product', forSupport: true },
  vaultFault: { status: 500, whoActs: 'product', forSupport: true },
  microsoftUnavailable: { status: 503, whoActs: 'time', forSupport: false },
  serviceUnavailable: { status: 503, whoActs: 'time', forSupport: false },
  pressedTooOften: { status: 429, whoActs: 'you', forSupport: false },
} satisfies Record<string, OutcomeFacts>;

export type OutcomeKind = keyof typeof OUTCOME_FACTS;

/** A new reason does not compile without its page. Reasons for API callers never reach a browser, so they count as the vault's fault. */
const KINDS = {
  GRANTED: 'connected',
  CANCELLED: 'cancelled',
  AUTHORIZATION_DECLINED: 'declined',
  ADMIN_CONSENT_REQUIRED: 'approvalNeeded',
  CONSENT_REQUIRED: 'consentMissing',
  SCOPE_NOT_GRANTED: 'consentMissing',
  ACCOUNT_MISMATCH: 'otherAccount',
  DIRECTORY_NOT_ALLOWED: 'otherDirectory',
  STATE_INVALID: 'linkInvalid',
  CONNECTION_NOT_FOUND: 'linkInvalid',
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
  TENANT_SUSPENDED: 'suspended',
  APP_SUSPENDED: 'suspended',
  CONNECTION_SUSPENDED: 'suspended',
  CONTAINED: 'suspended',
  TENANT_NOT_FOUND: 'suspended',
  ENTRA_UNAVAILABLE: 'microsoftUnavailable',
  ENTRA_THROTTLED: 'microsoftUnavailable',
  APP_CREDENTIAL_PROPAGATING: 'microsoftUnavailable',
  DATABASE_UNAVAILABLE: 'serviceUnavailable',
  KEY_SOURCE_UNAVAILABLE: 'serviceUnavailable',
  AUDIT_UNAVAILABLE: 'serviceUnavailable',
  OVERLOADED: 'serviceUnavailable',
  RATE_LIMITED: 'pressedTooOften',
  INTERNAL: 'vaultFault',
  RECORD_CORRUPT: 'vaultFault',
  APP_IN_USE: 'vaultFault',
  TENANT_NOT_EMPTY: 'vaultFault',
  ROOT_KEY_MISSING: 'vaultFault',
  SCOPES_SPAN_RESOURCES: 'vaultFault',
  NAME_INVALID: 'vaultFault',
  FIELD_INVALID: 'vaultFault',
  TTL_UNATTAINABLE: 'vaultFault',
  CREDENTIAL_NOT_FOUND: 'vaultFault',
  TENANT_EXISTS: 'vaultFault',
  APP_EXISTS: 'vaultFault',
  CONNECTION_EXISTS: 'vaultFault',
  CREDENTIAL_EXISTS: 'vaultFault',
  ETAG_MISMATCH: 'vaultFault',
  UNAUTHENTICATED: 'vaultFault',
  ACCESS_DENIED: 'vaultFault',
  SCOPE_ABOVE_CEILING: 'vaultFault',
} satisfies Record<CallbackOutcome['outcome'], OutcomeKind>;

export function outcomeKind(outcome: CallbackOutcome['outcome']): OutcomeKind {
  return KINDS[outcome];
}
