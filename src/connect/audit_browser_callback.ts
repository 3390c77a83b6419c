import type { AuditEntry, AuditLog } from '../audit/audit_log_interface.ts';
import type { Timestamp } from '../model/clock.ts';
import { isVaultError, type Reason } from '../model/errors.ts';
import type { ConnectParts } from './connect_dependencies.ts';
import type { PageTrace } from './page_trace.ts';

/** The outcome of a browser's callback, as its page shows it. */
export interface AuditedResult<Result> {
  readonly outcome: 'GRANTED' | Reason;
  /** Of work that succeeded and was audited. */
  readonly result?: Result | undefined;
  /** Of work that failed and was audited. */
  readonly error?: unknown;
}

export interface CallbackAudit {
  readonly started: Timestamp;
  readonly requestId: string;
  readonly method: 'web/callback' | 'web/admin-consent' | 'web/cancel';
  readonly resource: string;
  readonly trace?: PageTrace | undefined;
  /** Receives the outcome of the work, whether it could be audited or not. */
  readonly count: (outcome: string) => void;
}

/**
 * Work, append, then answer: work that cannot be audited has no result, and its outcome says why. Rethrows an unexpected error after
 * the entry is written; the web server logs it.
 */
export async function withAudit<Result>(
  { auditLog, clock }: Pick<ConnectParts, 'auditLog' | 'clock'>,
  { started: time, requestId, method, resource, trace, count }: CallbackAudit,
  work: () => Promise<Result>,
): Promise<AuditedResult<Result>> {
  let end: AuditedResult<Result>;
  let unexpected: Error | undefined;
  try {
    end = { outcome: 'GRANTED', result: await work() };
  } catch (error) {
    end = { outcome: outcomeOf(error), error };
    if (!isVaultError(error)) unexpected = error instanceof Error ? error : new Error('not an error', { cause: error });
    else if (trace !== undefined) Object.assign(trace, { entraError: error.metadata['entraError'], hint: error.hint });
  }
  count(end.outcome);
  const status = end.outcome === 'GRANTED' ? 'OK' : end.outcome;
  const peer = trace?.peer ?? 'unknown';
  const entry = { time, requestId, method, resource, status, duration: clock.now() - time, peer } as const;
  const unaudited = await appendBrowserEntry(auditLog, entry);
  if (trace !== undefined) trace.audited = unaudited === undefined;
  if (unexpected !== undefined) throw unexpected;
  return unaudited === undefined ? end : { outcome: unaudited };
}

/** Resolves with the reason why the entry could not be written; undefined: it was. */
export function appendBrowserEntry(
  auditLog: Pick<AuditLog, 'append'>,
  entry: Pick<AuditEntry, 'time' | 'requestId' | 'method' | 'resource' | 'status' | 'duration' | 'peer'>,
): Promise<Reason | undefined> {
  const browser = { caller: 'browser', credentialId: '', rule: '', ...entry };
  return new Promise((resolve) => auditLog.append(browser, (error) => resolve(error?.reason)));
}

/** Reports the outcome of the work to `count`: `GRANTED`, or the reason. */
export async function counted<Result>(count: (outcome: string) => void, work: () => Promise<Result>): Promise<Result> {
  try {
    const result = await work();
    count('GRANTED');
    return result;
  } catch (error) {
    count(outcomeOf(error));
    throw error;
  }
}

function outcomeOf(error: unknown): Reason {
  return isVaultError(error) ? error.reason : 'INTERNAL';
}
