import type { DescMessage, Message } from '@bufbuild/protobuf';
import type { UnauthenticatedCaller } from '../../audit/audit_log.ts';
import type { Reason } from '../../model/errors.ts';
import type { Call } from './call.ts';

/** What is told of each call, beside the audit log. */
export interface RpcMetrics {
  /** `status` is OK or a reason. */
  finished(method: string, status: 'OK' | Reason, seconds: number): void;
  inFlight(change: 1 | -1): void;
}

export interface CallLog {
  /** Only where requests are logged: level debug. */
  received?: ((call: Pick<Call, 'requestId' | 'method'>, schema: DescMessage, request: Message) => void) | undefined;
  finished(call: FinishedCall): void;
  unexpected(requestId: string, error: unknown): void;
}

export interface FinishedCall {
  readonly requestId: string;
  readonly method: string;
  readonly caller: string;
  readonly resource: string;
  readonly status: 'OK' | Reason;
  readonly duration: number;
  /** The token came from memory: sampled, since the audit log is the record. */
  readonly hit: boolean;
  readonly unauthenticated?: UnauthenticatedCaller | undefined;
}
