import type { Authorization } from '../model/authorization.ts';
import { type Connection, connectionName } from '../model/connection.ts';
import { isVaultError } from '../model/errors.ts';
import type { UsedState } from '../store/stores.ts';
import { adminConsentLinkOf, mayWantAdminConsent, newAdminConsentLink } from './admin_consent_link.ts';
import type { CallbackOutcome, CallbackRequest, Product } from './authorizations.ts';
import type { ConnectParts } from './connect_parts.ts';
import { handleAuthorizationResponse } from './handle_authorization_response.ts';
import { createKeyedMutex } from './keyed_mutex.ts';
import { hashOneTimeToken, isOneTimeToken } from './one_time_token.ts';
import type { PageTrace } from './page_trace.ts';
import { findProduct } from './product.ts';
import { withParameters } from './return_url.ts';
import { withAudit } from './with_audit.ts';

const UNKNOWN: CallbackOutcome = {
  outcome: 'STATE_INVALID',
  returnUrl: undefined,
  product: undefined,
  adminConsentUri: undefined,
};

/** The vault's own callback. */
export function createCallback(parts: ConnectParts): (request: CallbackRequest) => Promise<CallbackOutcome> {
  const inTurn = createKeyedMutex<CallbackOutcome>();
  return async (request) => {
    if (!isOneTimeToken(request.state)) return UNKNOWN;
    const hash = hashOneTimeToken(request.state);
    return inTurn(hash, () => answer(parts, request, hash));
  };
}

async function answer(parts: ConnectParts, request: CallbackRequest, stateHash: string): Promise<CallbackOutcome> {
  const started = parts.clock.now();
  let known: Known | undefined;
  try {
    known = await lookUp(parts, stateHash, request.trace);
  } catch (error) {
    if (!isVaultError(error)) throw error;
    return { ...UNKNOWN, outcome: error.reason };
  }
  if (known === undefined) return UNKNOWN;
  const { used, connection } = known;
  if (used.kind === 'used') {
    const outcome = firstOutcome(used.authorization);
    return outcomeOf(known, {
      outcome,
      adminConsentUri: mayWantAdminConsent(outcome) && (await adminConsentLinkOf(parts, request.state)),
    });
  }

  const { answer, requestId, trace } = request;
  const count = (outcome: CallbackOutcome['outcome']) => parts.metrics?.authorizationEnded(outcome);
  const resource = connectionName(connection);
  const audit = { started, requestId, method: 'web/callback', resource, trace, count } as const;
  const { outcome, result } = await withAudit(parts, audit, () =>
    handleAuthorizationResponse(parts, { ...used, connection, answer }),
  );
  return outcomeOf(known, {
    outcome,
    confirmation: result?.confirmation,
    refusedResources: result?.refusedResources,
    adminConsentUri: mayWantAdminConsent(outcome) && (await newAdminConsentLink(parts, known, request.state)),
  });
}

interface Known {
  readonly used: Exclude<UsedState, { kind: 'unknown' }>;
  readonly authorization: Authorization;
  readonly connection: Connection;
  readonly product: Product | undefined;
}

/** Uses the state up. Undefined: it is nobody's, or of another callback. */
async function lookUp(
  parts: ConnectParts,
  stateHash: string,
  trace: PageTrace | undefined,
): Promise<Known | undefined> {
  const { stores, clock } = parts;
  const used = await stores.authorizations.useState(stateHash, clock.now());
  if (used.kind === 'unknown' || used.authorization.completion === 'CALLER') return undefined;
  const { authorization } = used;
  const connection = await stores.connections.findByUid(authorization.connectionUid);
  if (connection === undefined) return undefined;
  if (trace !== undefined) trace.resource = connectionName(connection);
  const { tenantId } = connection;
  const product = await findProduct(parts, { tenantId, appUid: authorization.appUid });
  return { used, authorization, connection, product };
}

/**
 * What a repeated callback is shown; never the confirmation again. Whoever made the link knows its state (it stands in the address of Entra's
 * page), so a second answer with the confirmation would hand somebody else's consent to the sender of the link.
 */
function firstOutcome(authorization: Authorization): CallbackOutcome['outcome'] {
  if (authorization.state === 'FAILED') return authorization.failure ?? 'INTERNAL';
  return authorization.state === 'OPEN' ? 'STATE_INVALID' : 'GRANTED';
}

function outcomeOf(
  { authorization, connection, product }: Known,
  end: {
    readonly outcome: CallbackOutcome['outcome'];
    readonly confirmation?: string | undefined;
    readonly refusedResources?: readonly string[] | undefined;
    readonly adminConsentUri?: string | false | undefined;
  },
): CallbackOutcome {
  const { outcome, confirmation } = end;
  const parameters = {
    connection: connectionName(connection),
    outcome: outcome.toLowerCase(),
    ...(confirmation === undefined ? {} : { confirmation }),
  };
  const { returnUrl } = authorization;
  return {
    outcome,
    returnUrl: returnUrl === undefined ? undefined : withParameters(returnUrl, parameters),
    product,
    adminConsentUri: end.adminConsentUri || undefined,
    ...(end.refusedResources === undefined ? {} : { refusedResources: end.refusedResources }),
  };
}
