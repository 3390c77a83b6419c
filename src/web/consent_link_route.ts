import type { CallbackOutcome } from '../connect/browser_callback_flow.ts';
import type { Cancellation } from '../connect/cancel_authorization.ts';
import type { ConsentLink } from '../connect/describe_and_open_consent_links.ts';
import { isVaultError } from '../model/errors.ts';
import type { HttpRequest } from './http_request.ts';
import { type HttpResponse, page, seeOther } from './http_response.ts';
import type { Flow } from './messages/page_message_types.ts';
import { outcomeResponse } from './outcome_page_response.ts';
import { CANCEL, linkPage } from './pages/consent_link_page.ts';
import type { Handler, Route, WebParts } from './route_types.ts';

type Link = Pick<ConsentLink, 'describe' | 'open'> & Partial<Cancellation>;

/** `{prefix}{handle}`. GET and HEAD do not use the link up, however often a mail scanner sends them; the buttons post. */
export function linkRoute(parts: WebParts, flow: Flow, prefix: string, link: Link): Route {
  const explain = (httpRequest: HttpRequest, outcome: Pick<CallbackOutcome, 'outcome'> & Partial<CallbackOutcome>) =>
    outcomeResponse({ parts, httpRequest, flow, outcome });
  const orOutcome =
    (work: (httpRequest: HttpRequest, handle: string) => Promise<HttpResponse>): Handler =>
    async (httpRequest, handle) => {
      try {
        return await work(httpRequest, handle);
      } catch (error) {
        if (!isVaultError(error)) throw error;
        if (error.reason !== 'STATE_INVALID') return explain(httpRequest, { outcome: error.reason });
        const cancelled = await link.findCancelled?.(handle).catch(() => undefined);
        if (cancelled !== undefined) return explain(httpRequest, cancelled);
        return { ...(await explain(httpRequest, { outcome: error.reason })), status: 404 };
      }
    };
  const show = orOutcome(async ({ messages, trace }, handle) => {
    const description = await link.describe(handle, trace);
    return page(200, messages, linkPage(messages, flow, description), description.product.branding?.accentColor);
  });
  const press = orOutcome(async (httpRequest, handle) => {
    const { query, requestId, trace } = httpRequest;
    if (query !== CANCEL || link.cancel === undefined) return seeOther(await link.open(handle, trace));
    const cancelled = await link.cancel({ handle, requestId, trace });
    if (cancelled.outcome !== 'CANCELLED') return explain(httpRequest, cancelled);
    // Without a return URL, the link itself shows that it was cancelled, also when the page is reloaded.
    return seeOther(cancelled.returnUrl ?? handle);
  });
  return { pattern: new RegExp(`^${prefix}([^/]+)$`), methods: { GET: show, HEAD: show, POST: press } };
}
