import type { AuditLog } from '../audit/audit_log.ts';
import type { Clock } from '../model/clock.ts';
import type { Reason } from '../model/errors.ts';
import { createSecondCap } from '../model/second_cap.ts';
import type { HttpRequest } from './http_request.ts';

/** Writes a page that shows a reference down in the audit log. Resolves also where the log refuses it: such a page carries nothing. */
export type PageAudit = (httpRequest: Pick<HttpRequest, 'requestId' | 'trace'>, reason: Reason) => Promise<void>;

/** A full audit disk stops every token, so visitors must not be able to fill it. */
const MOST_A_SECOND = 20;

export function createPageAudit(parts: {
  readonly auditLog: Pick<AuditLog, 'append'>;
  readonly clock: Clock;
}): PageAudit {
  const { auditLog, clock } = parts;
  const isWritten = createSecondCap(clock, MOST_A_SECOND);
  return ({ requestId, trace }, reason) => {
    if (trace.audited || !isWritten()) return Promise.resolve();
    const entry = {
      time: clock.now(),
      requestId,
      caller: 'browser',
      credentialId: '',
      rule: '',
      method: 'web/page',
      resource: trace.resource,
      status: reason,
      duration: 0,
    };
    return new Promise((resolve) => auditLog.append(entry, () => resolve()));
  };
}
