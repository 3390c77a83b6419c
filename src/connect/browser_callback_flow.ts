import { isVaultError, type Reason } from '../model/errors.ts';
import { createKeyedMutex } from '../model/keyed_mutex.ts';
import type { AuthorizationFailure } from '../model/user_authorization.ts';
import { type AuditedResult, type CallbackAudit, withAudit } from './audit_browser_callback.ts';
import { AccountMismatch } from './check_connection_account.ts';
import { withParameters } from './check_return_url.ts';
import type { ConnectParts } from './connect_dependencies.ts';
import type { HandledResponse } from './handle_authorization_response.ts';
import { type MaskedAccounts, maskedUsername } from './masked_accounts.ts';
import { hashOneTimeToken } from './one_time_token.ts';
import type { PageTrace } from './page_trace.ts';
import type { Product } from './product_shown_on_page.ts';

export interface CallbackRequest<Answer> {
  readonly state: string;
  readonly answer: Answer;
  /** For the audit log. */
  readonly requestId: string;
  readonly trace?: PageTrace | undefined;
}

export interface CallbackOutcome {
  /**
   * GRANTED: activated, approved, or waiting for the product's confirmation. CANCELLED: on the connect page. STATE_INVALID: unknown,
   * expired or another callback's.
   */
  readonly outcome: 'GRANTED' | AuthorizationFailure;
  /**
   * Where the browser goes next: the registered return URL with `connection` or `app`, `outcome` (`granted` or the reason in lower
   * case) and, the first time a grant waits, `confirmation`. Undefined: the vault's own page is the last one.
   */
  readonly returnUrl: string | undefined;
  /** Undefined: the state does not lead to a product. */
  readonly product: Product | undefined;
  /**
   * With ADMIN_CONSENT_REQUIRED and AUTHORIZATION_DECLINED: a link to send to an administrator, `/admin-consent/{handle}`. "Need admin
   * approval" returns from Entra exactly as Cancel does (`access_denied`, `cancel`, no number). Undefined: the app cannot have one.
   */
  readonly adminConsentUri?: string | undefined;
  /** By Microsoft's default policy, an administrator must approve what was requested. */
  readonly adminConsentLikely?: boolean | undefined;
  /** With ACCOUNT_MISMATCH: both. With GRANTED: the connected one, unless it waits for its confirmation. The first time only. */
  readonly accounts?: MaskedAccounts | undefined;
  /** With GRANTED: further requested resources that Entra refuses so far. */
  readonly refusedResources?: readonly string[] | undefined;
}

/** A consent whose state came back from Entra. */
export interface FoundConsent {
  /** Resource name, for the audit log and the return URL. */
  readonly resource: string;
  readonly returnUrl: string | undefined;
  readonly product: Product | undefined;
  /** Handles the first response for the state; undefined: the state was used before. */
  readonly handle: (() => Promise<Partial<HandledResponse>>) | undefined;
  /** What a repeated callback shows. */
  firstOutcome(): CallbackOutcome['outcome'];
  readonly adminConsentLikely?: boolean | undefined;
  adminConsentUri?(outcome: CallbackOutcome['outcome']): Promise<string | undefined>;
}

/** What the callbacks for users and for administrators do differently. */
interface CallbackFlow<Answer> {
  readonly method: CallbackAudit['method'];
  /** Names the resource in the return URL. */
  readonly parameter: 'connection' | 'app';
  readonly count: CallbackAudit['count'];
  /** False: no such state was ever issued, so the database is not queried. */
  mayBeState(state: string): boolean;
  /** Uses the state up. Undefined: unknown, expired or of another callback. */
  findConsent(request: CallbackRequest<Answer>, stateHash: string): Promise<FoundConsent | undefined>;
}

type Handled = Pick<CallbackOutcome, 'outcome'> & Pick<AuditedResult<Partial<HandledResponse>>, 'result' | 'error'>;

const UNKNOWN: CallbackOutcome = { outcome: 'STATE_INVALID', returnUrl: undefined, product: undefined };

/**
 * The vault's own callback: find the consent, handle the response once (audited here, since no RPC does it), then say where the browser goes
 * next. Never throws because of what was sent: the outcome says it. A repeated callback shows the first outcome.
 */
export function createBrowserCallback<Answer>(
  parts: ConnectParts,
  { method, parameter, count, mayBeState, findConsent }: CallbackFlow<Answer>,
): (request: CallbackRequest<Answer>) => Promise<CallbackOutcome> {
  // A browser's concurrent second request waits for the first, and shows its outcome.
  const inTurn = createKeyedMutex<CallbackOutcome>();

  async function respond(request: CallbackRequest<Answer>, stateHash: string): Promise<CallbackOutcome> {
    const started = parts.clock.now();
    const { found, reason = 'STATE_INVALID' } = await find(request, stateHash);
    if (found === undefined) return { ...UNKNOWN, outcome: reason };
    const { resource, handle } = found;
    if (handle === undefined) return show(found, { outcome: found.firstOutcome() });
    const { requestId, trace } = request;
    return show(found, await withAudit(parts, { started, requestId, method, resource, trace, count }, handle));
  }

  async function find(
    request: CallbackRequest<Answer>,
    stateHash: string,
  ): Promise<{ found: FoundConsent | undefined; reason?: Reason }> {
    try {
      return { found: await findConsent(request, stateHash) };
    } catch (error) {
      if (!isVaultError(error)) throw error;
      return { found: undefined, reason: error.reason };
    }
  }

  async function show(found: FoundConsent, { outcome, result = {}, error }: Handled): Promise<CallbackOutcome> {
    const { resource, returnUrl, product } = found;
    const { confirmation, refusedResources } = result;
    const facts = { [parameter]: resource, outcome: outcome.toLowerCase() };
    const parameters = confirmation === undefined ? facts : { ...facts, confirmation };
    return {
      outcome,
      returnUrl: returnUrl === undefined ? undefined : withParameters(returnUrl, parameters),
      product,
      accounts: accountsOf(result, error),
      adminConsentUri: await found.adminConsentUri?.(outcome),
      ...(found.adminConsentLikely === true && { adminConsentLikely: true }),
      ...(refusedResources === undefined ? {} : { refusedResources }),
    };
  }

  return async (request) => {
    if (!mayBeState(request.state)) return UNKNOWN;
    const stateHash = hashOneTimeToken(request.state);
    return inTurn(stateHash, () => respond(request, stateHash));
  };
}

function accountsOf(
  { connection, confirmation }: Partial<HandledResponse>,
  error: unknown,
): MaskedAccounts | undefined {
  if (error instanceof AccountMismatch) return error.accounts;
  const username = confirmation === undefined ? connection?.account?.username : undefined;
  return username === undefined ? undefined : { signedIn: maskedUsername(username) };
}
