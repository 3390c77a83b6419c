import { type Clock, systemClock } from '../model/clock.ts';
import type { Reason } from '../model/errors.ts';
import { createRateLimitPerSecond } from '../model/rate_limit_per_second.ts';
import { errorLocation } from '../telemetry/error_location.ts';
import type { Log } from '../telemetry/log_events.ts';
import type { PageAudit } from './failure_page_audit.ts';
import type { HttpRequest } from './http_request.ts';
import type { Flow } from './messages/page_message_types.ts';
import { OUTCOME_FACTS, outcomeKind } from './pages/outcome_page_kinds.ts';

type Reported = Pick<HttpRequest, 'requestId' | 'trace'>;

export interface FlowFailure {
  readonly flow: Flow;
  readonly reason: Reason;
  /** Undefined: `reason` says all. */
  readonly unexpected?: unknown;
}

/**
 * Writes the line of the log that the reference on an error page leads to, and the audit entry. Returns the reference; undefined: there
 * is no line, so the page shows none.
 */
export interface FailureReports {
  /** A user or an administrator could not complete the flow. */
  flowFailed(httpRequest: Reported, failure: FlowFailure): Promise<string | undefined>;
  /** The request belongs to no flow. It is about nobody's resource, so it is not audited. */
  requestRefused(httpRequest: Reported, status: number): string | undefined;
}

/** Pages about nothing that the vault knows. Everybody can request them, and must not be able to fill the log. */
const MOST_UNKNOWN_A_SECOND = 20;

export function createFailureReports(parts: {
  readonly log: Log;
  readonly audit?: PageAudit | undefined;
  readonly clock?: Clock | undefined;
}): FailureReports {
  const { log, audit, clock = systemClock } = parts;
  const isWithinLimit = createRateLimitPerSecond(clock, MOST_UNKNOWN_A_SECOND);
  let notLogged = 0;

  function hasLine({ trace }: Reported): boolean {
    if (trace.resource !== '') return true;
    if (!isWithinLimit()) {
      notLogged += 1;
      return false;
    }
    if (notLogged > 0) log.event('warn', 'browser_failures_not_logged', { pages: notLogged });
    notLogged = 0;
    return true;
  }

  return {
    async flowFailed(httpRequest, { flow, reason, unexpected }) {
      const { requestId, trace } = httpRequest;
      const { resource, entraError = '', hint = '' } = trace;
      const isLogged = unexpected !== undefined || hasLine(httpRequest);
      if (unexpected !== undefined) {
        log.event('error', 'internal_error', { requestId, ...errorLocation(unexpected), resource });
      } else if (isLogged) {
        const { whoActs, forSupport } = OUTCOME_FACTS[outcomeKind(reason)];
        const level = whoActs === 'you' && !forSupport ? 'info' : 'warn';
        log.event(level, 'browser_flow_failed', { requestId, flow, reason, resource, entraError, hint });
      }
      // A link that leads nowhere concerns nobody.
      if (reason !== 'STATE_INVALID' || resource !== '') await audit?.(httpRequest, reason);
      return isLogged ? requestId : undefined;
    },
    requestRefused(httpRequest, status) {
      if (!hasLine(httpRequest)) return undefined;
      const { requestId, trace } = httpRequest;
      log.event('info', 'browser_request_refused', { requestId, status, peer: trace.peer });
      return requestId;
    },
  };
}
