import { errorLocation } from '../../telemetry/error_location.ts';
import type { Log } from '../../telemetry/log.ts';
import type { CallLog } from './call_log.ts';
import { redactedJson } from './redact_message.ts';

export interface AccessLogOptions {
  /** Requests too, redacted: for level debug, since it costs a copy of each. */
  readonly requests?: boolean | undefined;
  /** One of so many hits gets a line. Default 1,000. */
  readonly sampleOf?: number | undefined;
}

/** One line a call; hits are sampled, since the audit log is the record. */
export function createAccessLog(log: Log, { requests = false, sampleOf = 1_000 }: AccessLogOptions = {}): CallLog {
  let hits = 0;
  return {
    received: requests
      ? (call, schema, request) => {
          const { requestId, method } = call;
          log.event('debug', 'call_request', { requestId, method, request: redactedJson(schema, request) });
        }
      : undefined,

    finished(call) {
      if (call.hit) {
        hits += 1;
        if (hits % sampleOf !== 0) return;
      }
      const { requestId, method, caller, resource, status } = call;
      const duration = Math.round(call.duration * 1_000) / 1_000;
      log.event('info', 'call', { requestId, method, caller, resource, status, duration, ...call.unauthenticated });
    },

    unexpected(requestId, error) {
      log.event('error', 'internal_error', { requestId, ...errorLocation(error) });
    },
  };
}
