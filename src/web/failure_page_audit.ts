import type { AuditLog } from '../audit/audit_log_interface.ts';
import { appendBrowserEntry } from '../connect/audit_browser_callback.ts';
import type { Clock } from '../model/clock.ts';
import type { Reason } from '../model/errors.ts';
import { createRateLimitPerSecond } from '../model/rate_limit_per_second.ts';
import type { HttpRequest } from './http_request.ts';

/** Audits a page that shows a reference. Resolves even if the entry cannot be written: such a page carries nothing secret. */
export type PageAudit = (httpRequest: Pick<HttpRequest, 'requestId' | 'trace'>, reason: Reason) => Promise<void>;

/** A full audit disk blocks all token requests, so visitors must not be able to fill it. */
const MOST_A_SECOND = 20;

export function createPageAudit(parts: {
  readonly auditLog: Pick<AuditLog, 'append'>;
  readonly clock: Clock;
}): PageAudit {
  const { auditLog, clock } = parts;
  const isWritten = createRateLimitPerSecond(clock, MOST_A_SECOND);
  return async ({ requestId, trace }, status) => {
    if (trace.audited || !isWritten()) return;
    const { resource, peer } = trace;
    const time = clock.now();
    await appendBrowserEntry(auditLog, { time, requestId, method: 'web/page', resource, status, duration: 0, peer });
  };
}
