import { randomBytes } from 'node:crypto';
import type { Message } from '@bufbuild/protobuf';
import type { AuditedToken } from '../../audit/audit_log_interface.ts';
import type { Caller, Rule } from '../../model/authenticated_caller.ts';
import { type Duration, SECOND, type Timestamp } from '../../model/clock.ts';
import type { BatchResult } from '../messages/encode_token_response.ts';

/** Upper limit of the deadline of a unary call. */
const LONGEST_WAIT: Duration = 15 * SECOND;

/** Node fires a longer timer immediately. */
const LONGEST_TIMER: Duration = 2 ** 31 - 1;

/** A call in progress: its caller, and its fields in the audit log. */
export interface Call {
  /** `TokenService/GetAccessToken`. */
  readonly method: string;
  readonly requestId: string;
  readonly startTime: Timestamp;
  caller: Caller;
  /** Of several rules with a ceiling, the one that covers the token. */
  rule: Rule;
  /** The rules that apply to the call, if all of them have a ceiling. */
  limitedBy: readonly Rule[] | undefined;
  /** What the token carries beyond the ceiling of `rule`. */
  excess: readonly string[] | undefined;
  /** Called after the rules of a stream changed. */
  readonly ruleListeners: Set<() => void>;
  /** Tenants that the call may list; undefined: all of them. */
  tenants: readonly string[] | undefined;
  /** Resource name of the request, also for the audit log. */
  resource: string;
  /** Why the caller does it, for the audit log. */
  note: string | undefined;
  /** The served token, for the audit log. */
  token: AuditedToken | undefined;
  /** Callers whose access the call changes, for the audit log. */
  affectedCallers: readonly string[] | undefined;
  /**
   * Marks the call as waiting for Entra. OVERLOADED if too many calls of its caller wait, overall or for its resource.
   */
  wait(): void;
  /**
   * Aborts when the caller cancels or its deadline passes. Created at first use, because a cache hit does not need it.
   */
  signal(): AbortSignal;
}

/** A call whose requests are calls of their own (AIP-231). */
export interface BatchCall extends Call {
  /**
   * Answers each request as a call of its own, all at once. Completes after the audit log has the entries of all of them,
   * which are one group.
   */
  answerEach<Request extends Message, Response extends Measured>(
    requests: readonly Request[],
    steps: BatchSteps<Request, Response>,
  ): Promise<readonly BatchResult<Response>[]>;
}

/** What is done for one request of a batch. */
export interface BatchSteps<Request, Response> {
  answer(request: Request, call: Call): Response | Promise<Response>;
  /** After the wait for the others: throws if the answer must not be sent any more. */
  recheck(request: Request, call: Call): undefined | Promise<void>;
}

export interface Measured {
  /** Bytes, when encoded. */
  readonly length: number;
}

/** The parts of a grpc-js call that `Call` needs. */
export interface WireCall {
  getDeadline(): Date | number;
  on(event: 'cancelled', listener: () => void): unknown;
  readonly cancelled: boolean;
}

/**
 * `stopping` is set for a stream, which has no deadline besides the caller's, and ends when the vault stops. `reserve` is
 * what the call needs of the time left to answer.
 */
export function createSignal(
  wire: WireCall,
  stopping: AbortSignal | undefined,
  reserve: (left: Duration) => Duration = () => 0,
): AbortSignal {
  const ended = new AbortController();
  const untilDeadline = Number(wire.getDeadline()) - Date.now();
  const left = untilDeadline - reserve(untilDeadline);
  const wait = stopping === undefined ? Math.min(left, LONGEST_WAIT) : left;
  const timer = wait < LONGEST_TIMER ? setTimeout(() => ended.abort(LATE), Math.max(0, wait)).unref() : undefined;
  // grpc-js fires it at the end of each call, so no timer outlives its call.
  wire.on('cancelled', () => {
    clearTimeout(timer);
    ended.abort(GONE);
  });
  if (wire.cancelled) ended.abort(GONE);
  return stopping === undefined ? ended.signal : AbortSignal.any([ended.signal, stopping]);
}

/** Created once, because `abort` without a reason captures a stack each time. */
const LATE = new DOMException('the deadline passed', 'TimeoutError');
const GONE = new DOMException('the caller cancelled', 'AbortError');

/** A random prefix per process and a counter: cheap, and unique among replicas. */
export function createRequestIds(): () => string {
  const start = randomBytes(6).toString('hex');
  let count = 0;
  return () => {
    count += 1;
    return `${start}-${count.toString(36)}`;
  };
}
