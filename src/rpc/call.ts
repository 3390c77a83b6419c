import { randomBytes } from 'node:crypto';
import type { AuditedToken } from '../audit/audit_log.ts';
import type { Caller, Rule } from '../model/caller.ts';
import { type Duration, SECOND, type Timestamp } from '../model/clock.ts';

/** However long a caller would wait, nobody waits longer. */
const LONGEST_WAIT: Duration = 15 * SECOND;

/** One request under way: who asks, and what the audit log will say of it. */
export interface Call {
  /** `TokenService/GetAccessToken`. */
  readonly method: string;
  readonly requestId: string;
  readonly startTime: Timestamp;
  caller: Caller;
  rule: Rule;
  /** Tenants that the caller may see; undefined: all of them. */
  tenants: readonly string[] | undefined;
  /** Name of what the call is about. */
  resource: string;
  /** What left the vault, for the audit log. */
  token: AuditedToken | undefined;
  /** Aborts when the caller hangs up or its deadline passes. Made at first use: a hit never needs it. */
  readonly signal: () => AbortSignal;
}

/** What of a grpc-js call a `Call` is made of. */
export interface WireCall {
  getDeadline(): Date | number;
  on(event: 'cancelled', listener: () => void): unknown;
  readonly cancelled: boolean;
}

export function createSignal(wire: WireCall, endless: boolean): () => AbortSignal {
  let signal: AbortSignal | undefined;
  return () => {
    signal ??= makeSignal(wire, endless);
    return signal;
  };
}

function makeSignal(wire: WireCall, endless: boolean): AbortSignal {
  const cancelled = new AbortController();
  if (wire.cancelled) cancelled.abort();
  wire.on('cancelled', () => cancelled.abort());
  const left = Number(wire.getDeadline()) - Date.now();
  if (endless && left === Number.POSITIVE_INFINITY) return cancelled.signal;
  const wait = endless ? Math.min(left, 2 ** 31 - 1) : Math.min(left, LONGEST_WAIT);
  return AbortSignal.any([cancelled.signal, AbortSignal.timeout(Math.max(0, wait))]);
}

/** Unique enough among replicas, and cheap: a random start of the process and a count. */
export function createRequestIds(): () => string {
  const start = randomBytes(6).toString('hex');
  let count = 0;
  return () => {
    count += 1;
    return `${start}-${count.toString(36)}`;
  };
}
