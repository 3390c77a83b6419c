import type { CallbackOutcome } from '../connect/browser_callback_flow.ts';
import type { HttpRequest } from './http_request.ts';
import { type HttpResponse, page } from './http_response.ts';
import type { Flow } from './messages/page_message_types.ts';
import { outcomePage } from './pages/outcome_page.ts';
import { OUTCOME_FACTS, outcomeKind } from './pages/outcome_page_kinds.ts';
import type { WebParts } from './route_types.ts';

/** The last page of a flow. If it is an error page, its reference is in the log. */
export async function outcomeResponse(completed: {
  readonly parts: Pick<WebParts, 'failures'>;
  readonly httpRequest: Pick<HttpRequest, 'messages' | 'requestId' | 'trace'>;
  readonly flow: Flow;
  readonly outcome: Pick<CallbackOutcome, 'outcome'> & Partial<CallbackOutcome>;
  /** The cause of INTERNAL. */
  readonly unexpected?: unknown;
}): Promise<HttpResponse> {
  const { httpRequest, flow, outcome, parts, unexpected } = completed;
  const { outcome: reason, product } = outcome;
  const reference =
    reason === 'GRANTED' || reason === 'CANCELLED'
      ? undefined
      : await parts.failures.flowFailed(httpRequest, { flow, reason, unexpected });
  const { status } = OUTCOME_FACTS[outcomeKind(reason)];
  const { messages } = httpRequest;
  return page(status, messages, outcomePage(messages, { ...outcome, flow, reference }), product?.branding?.accentColor);
}
