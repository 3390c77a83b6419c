import type { AuditEntry } from '../audit/audit_log.ts';
import type { Authorization } from '../model/authorization.ts';
import { type Connection, connectionName } from '../model/connection.ts';
import { isVaultError, type Reason } from '../model/errors.ts';
import type { UsedState } from '../store/stores.ts';
import type { CallbackOutcome, CallbackRequest } from './authorizations.ts';
import type { ConnectParts } from './connect_parts.ts';
import { hashOneTimeToken, isOneTimeToken } from './one_time_token.ts';
import { type Received, receiveAnswer } from './receive_answer.ts';
import { withParameters } from './return_url.ts';

const UNKNOWN: CallbackOutcome = { outcome: 'STATE_INVALID', returnUrl: undefined };

/** The vault's own callback. A browser that asks twice at once waits for the first answer, to be shown its outcome. */
export function createCallback(parts: ConnectParts): (request: CallbackRequest) => Promise<CallbackOutcome> {
  const underWay = new Map<string, Promise<CallbackOutcome>>();
  return async (request) => {
    if (!isOneTimeToken(request.state)) return UNKNOWN;
    const hash = hashOneTimeToken(request.state);
    await underWay.get(hash)?.catch(() => undefined);
    const answering = answer(parts, request, hash);
    underWay.set(hash, answering);
    try {
      return await answering;
    } finally {
      if (underWay.get(hash) === answering) underWay.delete(hash);
    }
  };
}

async function answer(parts: ConnectParts, request: CallbackRequest, stateHash: string): Promise<CallbackOutcome> {
  const started = parts.clock.now();
  let used: UsedState;
  try {
    used = await parts.stores.authorizations.useState(stateHash, started);
  } catch (error) {
    if (!isVaultError(error)) throw error;
    return { outcome: error.reason, returnUrl: undefined };
  }
  if (used.kind === 'unknown' || used.authorization.completion === 'CALLER') return UNKNOWN;
  const { authorization } = used;
  const connection = await parts.stores.connections.findByUid(authorization.connectionUid);
  if (connection === undefined) return UNKNOWN;
  if (used.kind === 'used') return outcomeOf(authorization, connection, firstOutcome(authorization), undefined);

  const { outcome, confirmation, unexpected } = await receive(parts, { ...request, connection, ...used });
  parts.metrics?.authorizationEnded(outcome);
  const unaudited = await append(parts, {
    time: started,
    requestId: request.requestId,
    caller: 'browser',
    credentialId: '',
    rule: '',
    method: 'web/callback',
    resource: connectionName(connection),
    status: outcome === 'GRANTED' ? 'OK' : outcome,
    duration: parts.clock.now() - started,
  });
  // A mistake of ours: whoever answers the browser also keeps the log.
  if (unexpected !== undefined) throw unexpected;
  // Work, append, then answer: what is not written down gets no confirmation.
  if (unaudited !== undefined) return outcomeOf(authorization, connection, unaudited, undefined);
  return outcomeOf(authorization, connection, outcome, confirmation);
}

interface Reception {
  readonly outcome: CallbackOutcome['outcome'];
  readonly confirmation?: Received['confirmation'];
  readonly unexpected?: Error;
}

async function receive(parts: ConnectParts, fresh: Parameters<typeof receiveAnswer>[1]): Promise<Reception> {
  try {
    const { confirmation } = await receiveAnswer(parts, fresh);
    return { outcome: 'GRANTED', confirmation };
  } catch (error) {
    if (isVaultError(error)) return { outcome: error.reason };
    return {
      outcome: 'INTERNAL',
      unexpected: error instanceof Error ? error : new Error('not an error', { cause: error }),
    };
  }
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
  { returnUrl }: Authorization,
  connection: Connection,
  outcome: CallbackOutcome['outcome'],
  confirmation: string | undefined,
): CallbackOutcome {
  if (returnUrl === undefined) return { outcome, returnUrl };
  const parameters = {
    connection: connectionName(connection),
    outcome: outcome.toLowerCase(),
    ...(confirmation === undefined ? {} : { confirmation }),
  };
  return { outcome, returnUrl: withParameters(returnUrl, parameters) };
}

function append({ auditLog }: ConnectParts, entry: AuditEntry): Promise<Reason | undefined> {
  return new Promise((resolve) => auditLog.append(entry, (error) => resolve(error?.reason)));
}
