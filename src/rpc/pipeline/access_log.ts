import type { DescMessage, Message } from '@bufbuild/protobuf';
import type { AuditEntry } from '../../audit/audit_log_interface.ts';
import { type Every, systemTimers } from '../../model/monotonic_timers.ts';
import { errorLocation } from '../../telemetry/error_location.ts';
import type { Log } from '../../telemetry/log_events.ts';
import type { Call } from './call_context.ts';
import { redactedJson } from './redact_message_for_log.ts';
import { createRefusedCallLines } from './refused_call_lines.ts';

export interface AccessLogOptions {
  /** Also logs redacted requests: for level debug, since each request is copied. */
  readonly requests?: boolean | undefined;
  /** One of this many cache hits is logged. Default 1,000. */
  readonly sampleOf?: number | undefined;
  readonly every?: Every | undefined;
}

/** One line per call. Cache hits are sampled and refusals limited, because the audit log is the record. */
export interface AccessLog {
  /** Undefined unless requests are logged. */
  received: ((call: Pick<Call, 'requestId' | 'method'>, schema: DescMessage, request: Message) => void) | undefined;
  finished(call: FinishedCall): void;
  unexpected(requestId: string, error: unknown): void;
}

export interface FinishedCall
  extends Pick<
    AuditEntry,
    'requestId' | 'method' | 'caller' | 'resource' | 'status' | 'duration' | 'traceparent' | 'claimed'
  > {
  /** Of a call without a valid credential. */
  readonly peer?: string | undefined;
  /** Why its token is refused. */
  readonly tokenFault?: string | undefined;
  /** The token came from the cache. */
  readonly hit: boolean;
}

export function createAccessLog(
  log: Log,
  { requests = false, sampleOf = 1_000, every = systemTimers.every }: AccessLogOptions = {},
): AccessLog {
  const hasLine = createRefusedCallLines(log, every);
  let hits = 0;
  return {
    received: requests
      ? ({ requestId, method }, schema, request) => {
          log.event('debug', 'call_request', { requestId, method, request: redactedJson(schema, request) });
        }
      : undefined,

    finished(call) {
      if (call.hit) {
        hits += 1;
        if (hits % sampleOf !== 0) return;
      } else if (!hasLine(call)) return;
      const { requestId, method, caller, resource, status, traceparent } = call;
      const duration = Math.round(call.duration * 1_000) / 1_000;
      log.event('info', 'call', {
        requestId,
        method,
        caller,
        resource,
        status,
        duration,
        traceparent,
        ...unauthenticated(call),
      });
    },

    unexpected(requestId, error) {
      log.event('error', 'internal_error', { requestId, ...errorLocation(error) });
    },
  };
}

function unauthenticated({ peer, claimed, tokenFault }: FinishedCall) {
  if (peer === undefined) return {};
  return {
    peer,
    claimedKeyId: claimed?.key,
    claimedCertificate: claimed?.certificate,
    claimedIssuer: claimed?.token?.issuer,
    claimedSubject: claimed?.token?.subject,
    tokenFault,
  };
}
