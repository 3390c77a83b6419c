import { type Connection, connectionName } from '../model/connection.ts';
import type { Authorization } from '../model/user_authorization.ts';
import { withAudit } from './audit_browser_callback.ts';
import type { CallbackOutcome } from './browser_callback_flow.ts';
import { withParameters } from './check_return_url.ts';
import type { ConnectParts } from './connect_dependencies.ts';
import { mintAttempt } from './create_authorization_attempt.ts';
import { type AuthorizationLink, findAuthorizationLink } from './find_consent_links.ts';
import { findParties } from './find_tenant_app_and_connection.ts';
import { hashOneTimeToken, isOneTimeToken } from './one_time_token.ts';
import type { PageTrace } from './page_trace.ts';
import { type Product, productOf } from './product_shown_on_page.ts';
import { stateInvalid } from './state_invalid.ts';

export interface CancelRequest {
  readonly handle: string;
  /** For the audit log. */
  readonly requestId: string;
  readonly trace?: PageTrace | undefined;
}

/** The user cancels on the connect page, before the sign-in. */
export interface Cancellation {
  /**
   * Ends the authorization, once; a repetition has the same outcome. CANCELLED: the browser goes on to `returnUrl`. Another outcome: the
   * reason why it could not be audited. STATE_INVALID, RATE_LIMITED, and the suspensions.
   */
  cancel(request: CancelRequest): Promise<CallbackOutcome>;
  /** The outcome of an authorization that was cancelled, until its link expires. */
  findCancelled(handle: string): Promise<CallbackOutcome | undefined>;
}

export function createCancellation(parts: ConnectParts): Cancellation {
  const { stores, clock, metrics } = parts;

  async function findCancelled(handle: string): Promise<CallbackOutcome | undefined> {
    if (!isOneTimeToken(handle)) return undefined;
    const authorization = await stores.authorizations.findByHandle(hashOneTimeToken(handle));
    if (authorization?.failure !== 'CANCELLED' || authorization.expireTime <= clock.now()) return undefined;
    const { appUid, connectionUid } = authorization;
    const connection = await stores.connections.findByUid(connectionUid);
    if (connection === undefined) return undefined;
    const { tenant, app } = await findParties(stores, { tenantId: connection.tenantId, appUid });
    return cancelled(authorization, connection, tenant && app && productOf(tenant, app));
  }

  async function end({ consent }: AuthorizationLink): Promise<void> {
    if (!(await stores.authorizations.cancel(consent.uid))) throw stateInvalid('link');
    metrics?.authorizationEnded('CANCELLED');
  }

  /**
   * For a product with its own callback, as by Cancel at Entra: RFC 6749, section 4.1.2.1. It ends the authorization with
   * CompleteAuthorization.
   */
  async function sendToProduct({ consent, app, tenant }: AuthorizationLink): Promise<CallbackOutcome> {
    const { attempt, stateHash, state } = mintAttempt(parts, app, consent, clock.now());
    await stores.authorizations.addAttempt(attempt, stateHash);
    const parameters = { error: 'access_denied', error_subcode: 'cancel', state };
    const returnUrl = withParameters(consent.redirectUri, parameters);
    return { outcome: 'CANCELLED', returnUrl, product: productOf(tenant, app) };
  }

  return {
    findCancelled,
    async cancel({ handle, requestId, trace }) {
      const started = clock.now();
      const earlier = await findCancelled(handle);
      if (earlier !== undefined) return earlier;
      const link = await findAuthorizationLink(parts, handle, trace);
      if (link.consent.completion === 'CALLER') return sendToProduct(link);
      const resource = connectionName(link.connection);
      const audit = { started, requestId, method: 'web/cancel', resource, trace, count: () => {} } as const;
      const { outcome } = await withAudit(parts, audit, () => end(link));
      const product = productOf(link.tenant, link.app);
      if (outcome === 'GRANTED') return cancelled(link.consent, link.connection, product);
      // The second of two presses at once finds what the first one did.
      const first = outcome === 'STATE_INVALID' ? await findCancelled(handle) : undefined;
      return first ?? { outcome, returnUrl: undefined, product };
    },
  };
}

function cancelled(
  { returnUrl }: Pick<Authorization, 'returnUrl'>,
  connection: Connection,
  product: Product | undefined,
): CallbackOutcome {
  const parameters = { connection: connectionName(connection), outcome: 'cancelled' };
  return {
    outcome: 'CANCELLED',
    returnUrl: returnUrl === undefined ? undefined : withParameters(returnUrl, parameters),
    product,
  };
}
