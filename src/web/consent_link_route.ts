import type { ConsentLink } from '../connect/describe_and_open_consent_links.ts';
import { isVaultError } from '../model/errors.ts';
import type { HttpRequest } from './http_request.ts';
import { type HttpResponse, page, seeOther } from './http_response.ts';
import type { Flow } from './messages/page_message_types.ts';
import { outcomeResponse } from './outcome_page_response.ts';
import { linkPage } from './pages/consent_link_page.ts';
import type { Handler, Route, WebParts } from './route_types.ts';

/** `{prefix}{handle}`. GET and HEAD do not use the link up, however often a mail scanner sends them; the button posts. */
export function linkRoute(parts: WebParts, flow: Flow, prefix: string, link: ConsentLink): Route {
  const orOutcome =
    (work: (httpRequest: HttpRequest, handle: string) => Promise<HttpResponse>): Handler =>
    async (httpRequest, handle) => {
      try {
        return await work(httpRequest, handle);
      } catch (error) {
        if (!isVaultError(error)) throw error;
        const response = await outcomeResponse({ parts, httpRequest, flow, outcome: { outcome: error.reason } });
        return error.reason === 'STATE_INVALID' ? { ...response, status: 404 } : response;
      }
    };
  const show = orOutcome(async ({ messages, trace }, handle) =>
    page(200, messages, linkPage(messages, flow, await link.describe(handle, trace))),
  );
  const press = orOutcome(async ({ trace }, handle) => seeOther(await link.open(handle, trace)));
  return { pattern: new RegExp(`^${prefix}([^/]+)$`), methods: { GET: show, HEAD: show, POST: press } };
}
