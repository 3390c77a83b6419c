import type { Log } from '../telemetry/log.ts';
import type { CallLog } from './call_log.ts';
import { redactedJson } from './redact.ts';

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
      log.event('info', 'call', { requestId, method, caller, resource, status, duration });
    },

    unexpected(requestId, error) {
      log.event('error', 'internal_error', { requestId, error: classOf(error), stack: framesOf(error) });
    },
  };
}

/** Messages of foreign errors hold parameters, names and worse: only their class is told. */
function classOf(error: unknown): string {
  const thrown = causeOf(error);
  return thrown instanceof Error ? thrown.constructor.name : typeof thrown;
}

function framesOf(error: unknown): string {
  const thrown = causeOf(error);
  const stack = thrown instanceof Error ? (thrown.stack ?? '') : '';
  // A message may have lines of its own, so that only what looks like a frame is one: `    at name (file:1:2)`.
  const message = thrown instanceof Error ? thrown.message : '';
  const frames = stack.slice(stack.indexOf(message) + message.length);
  return (frames.match(/^ {4}at (?:[\w$.<>[\] ]{1,120} )?\(?(?:file:|node:|\/)[^\s()]{1,300}\)?$/gm) ?? []).join('\n');
}

/** What really happened lies in an INTERNAL of ours. */
function causeOf(error: unknown): unknown {
  return error instanceof Error && error.name === 'VaultError' && error.cause !== undefined ? error.cause : error;
}
