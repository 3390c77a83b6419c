import type { CallbackOutcome } from '../connect/browser_callback_flow.ts';
import type { HttpRequest } from './http_request.ts';
import { type HttpResponse, page } from './http_response.ts';
import type { Flow } from './messages/page_message_types.ts';
import { outcomePage } from './pages/outcome_page.ts';
import { OUTCOME_FACTS, outcomeKind } from './pages/outcome_page_kinds.ts';
import type { WebParts } from './route_types.ts';

/** The last page of a flow. If it shows a reference, the log and the audit log have it too. */
export async function outcomeResponse(completed: {
  readonly parts: Pick<WebParts, 'log' | 'audit'>;
  readonly httpRequest: Pick<HttpRequest, 'messages' | 'requestId' | 'trace'>;
  readonly flow: Flow;
  readonly outcome: Pick<CallbackOutcome, 'outcome'> & Partial<CallbackOutcome>;
}): Promise<HttpResponse> {
  const { httpRequest, flow, outcome, parts } = completed;
  const { messages, requestId, trace } = httpRequest;
  const { status, reference } = OUTCOME_FACTS[outcomeKind(outcome.outcome)];
  if (reference && outcome.outcome !== 'GRANTED' && outcome.outcome !== 'CANCELLED') {
    const { resource, entraError = '', hint = '' } = trace;
    parts.log.event('warn', 'browser_flow_failed', {
      requestId,
      flow,
      reason: outcome.outcome,
      resource,
      entraError,
      hint,
    });
    await parts.audit?.(httpRequest, outcome.outcome);
  }
  const { accentColor } = outcome.product?.branding ?? {};
  return page(status, messages, outcomePage(messages, { ...outcome, flow, requestId }), accentColor);
}
