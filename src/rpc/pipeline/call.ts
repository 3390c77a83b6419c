import { randomBytes } from 'node:crypto';
import type { AuditedToken } from '../../audit/audit_log.ts';
import type { Caller, Rule } from '../../model/caller.ts';
import { type Duration, SECOND, type Timestamp } from '../../model/clock.ts';

/** However long a caller would wait, nobody waits longer. */
const LONGEST_WAIT: Duration = 15 * SECOND;

/** Node fires a longer timer at once. */
const LONGEST_TIMER: Duration = 2 ** 31 - 1;

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
  /** The call waits for Entra. OVERLOADED: too many of its caller do, or of its caller for the same resource. */
  readonly wait: () => void;
  /** Aborts when the caller hangs up or its deadline passes. Made at first use: a hit never needs it. */
  readonly signal: () => AbortSignal;
}

/** What of a grpc-js call a `Call` is made of. */
export interface WireCall {
  getDeadline(): Date | number;
  on(event: 'cancelled', listener: () => void): unknown;
  readonly cancelled: boolean;
}

/** A stream lives as long as its caller and the vault do; nothing else waits longer than `LONGEST_WAIT`. */
export interface Endless {
  /** Aborts when the vault stops: streams end by themselves then. */
  readonly stopping: AbortSignal;
}

export function createSignal(wire: WireCall, endless: Endless | undefined): () => AbortSignal {
  let signal: AbortSignal | undefined;
  return () => {
    signal ??= makeSignal(wire, endless);
    return signal;
  };
}

function makeSignal(wire: WireCall, endless: Endless | undefined): AbortSignal {
  const ended = new AbortController();
  const left = Number(wire.getDeadline()) - Date.now();
  const wait = endless === undefined ? Math.min(left, LONGEST_WAIT) : left;
  const timer = wait < LONGEST_TIMER ? setTimeout(() => ended.abort(LATE), Math.max(0, wait)).unref() : undefined;
  // grpc-js fires it at the end of every call: no timer outlives its call.
  wire.on('cancelled', () => {
    clearTimeout(timer);
    ended.abort(GONE);
  });
  if (wire.cancelled) ended.abort(GONE);
  return endless === undefined ? ended.signal : AbortSignal.any([ended.signal, endless.stopping]);
}

/** Made once: the error that `abort` makes by itself takes a stack at each call. */
const LATE = new DOMException("the call's time is over", 'TimeoutError');
const GONE = new DOMException('the caller left', 'AbortError');

/** Unique enough among replicas, and cheap: a random start of the process and a count. */
export function createRequestIds(): () => string {
  const start = randomBytes(6).toString('hex');
  let count = 0;
  return () => {
    count += 1;
    return `${start}-${count.toString(36)}`;
  };
}
