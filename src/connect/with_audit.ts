import type { Timestamp } from '../model/clock.ts';
import { isVaultError, type Reason } from '../model/errors.ts';
import type { ConnectParts } from './connect_parts.ts';
import type { PageTrace } from './page_trace.ts';

/** How the work behind a browser's callback came out, as the page will tell it. */
export interface End<Result> {
  readonly outcome: 'GRANTED' | Reason;
  /** Of work that went well, and was written down. */
  readonly result?: Result | undefined;
}

export interface CallbackAudit {
  readonly started: Timestamp;
  readonly requestId: string;
  readonly method: 'web/callback' | 'web/admin-consent';
  readonly resource: string;
  readonly trace?: PageTrace | undefined;
  /** Told how the work ended, whether that could be written down or not. */
  readonly count: (outcome: End<unknown>['outcome']) => void;
}

/**
 * Work, append, then answer: what is not written down has no result, and its outcome says why. Throws what is a mistake of ours
 * once it is written down: whoever answers the browser also keeps the log.
 */
export async function withAudit<Result>(
  parts: Pick<ConnectParts, 'auditLog' | 'clock'>,
  audit: CallbackAudit,
  work: () => Promise<Result>,
): Promise<End<Result>> {
  const { unexpected, ...end } = await endOf(work, audit.trace);
  audit.count(end.outcome);
  const unaudited = await append(parts, audit, end.outcome);
  if (audit.trace !== undefined) audit.trace.audited = unaudited === undefined;
  if (unexpected !== undefined) throw unexpected;
  return unaudited === undefined ? end : { outcome: unaudited };
}

async function endOf<Result>(
  work: () => Promise<Result>,
  trace: PageTrace | undefined,
): Promise<End<Result> & { readonly unexpected?: Error }> {
  try {
    return { outcome: 'GRANTED', result: await work() };
  } catch (error) {
    if (isVaultError(error)) {
      if (trace !== undefined) Object.assign(trace, { entraError: error.metadata['entraError'], hint: error.hint });
      return { outcome: error.reason };
    }
    return {
      outcome: 'INTERNAL',
      unexpected: error instanceof Error ? error : new Error('not an error', { cause: error }),
    };
  }
}

/** Answers why it could not be written down; undefined: it was. */
function append(
  { auditLog, clock }: Pick<ConnectParts, 'auditLog' | 'clock'>,
  { started, requestId, method, resource }: CallbackAudit,
  outcome: End<unknown>['outcome'],
): Promise<Reason | undefined> {
  const entry = {
    time: started,
    requestId,
    caller: 'browser',
    credentialId: '',
    rule: '',
    method,
    resource,
    status: outcome === 'GRANTED' ? ('OK' as const) : outcome,
    duration: clock.now() - started,
  };
  return new Promise((resolve) => auditLog.append(entry, (error) => resolve(error?.reason)));
}
