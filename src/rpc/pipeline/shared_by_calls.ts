import type { DescMessage, Message } from '@bufbuild/protobuf';
import type { AuditLog } from '../../audit/audit_log_interface.ts';
import type { Caller } from '../../model/authenticated_caller.ts';
import type { Clock, Timestamp } from '../../model/clock.ts';
import type { ConcurrencyLimit } from '../../model/concurrency_limit.ts';
import type { Reason } from '../../model/errors.ts';
import type { Tracing } from '../../telemetry/tracing_interface.ts';
import type { AccessLog } from './access_log.ts';
import type { Authenticator } from './authenticator.ts';
import type { WireCall } from './call_context.ts';
import type { PresentingCall } from './presented_credentials.ts';
import type { RulesOfMethod } from './rules_of_method.ts';
import type { WaitingCalls } from './waiting_call_limits.ts';

/** A call of grpc-js. */
export interface PipelineCall extends WireCall, PresentingCall {
  getPeer(): string;
}

export interface RpcMetrics {
  /** `status` is OK or a reason. */
  finished(method: string, status: 'OK' | Reason, seconds: number): void;
  inFlight(change: 1 | -1): void;
  /** A call of the caller exceeds the rate of its rules. */
  rateExceeded(caller: string): void;
}

/** What the calls of a method share. */
export interface SharedByCalls {
  /** `TokenService/GetAccessToken`. */
  readonly method: string;
  readonly input: DescMessage;
  /** Resource name of a request. */
  readonly resourceOf: ((request: Message) => string) | undefined;
  readonly rules: RulesOfMethod;
  /** Of calls in progress. Streams have their own. */
  readonly limit: ConcurrencyLimit;
  readonly waiting: WaitingCalls;
  readonly authenticator: Authenticator;
  readonly audit: AuditLog;
  /** Whether the next call without a valid credential has an audit entry. */
  readonly isAudited: () => boolean;
  /** The number of changes of callers, containments and labels until now. */
  readonly changes: () => number;
  readonly nextRequestId: () => string;
  readonly clock: Clock;
  readonly usageNotes: { authenticated(caller: Caller, now: Timestamp): void } | undefined;
  readonly metrics: RpcMetrics | undefined;
  readonly log: AccessLog | undefined;
  readonly tracing: Pick<Tracing, 'startCall'> | undefined;
}
