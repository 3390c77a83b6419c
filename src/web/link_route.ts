import type { AuthorizationDescription } from '../connect/authorizations.ts';
import type { PageTrace } from '../connect/page_trace.ts';
import { isVaultError } from '../model/errors.ts';
import type { HttpRequest } from './http_request.ts';
import { type HttpResponse, page, seeOther } from './http_response.ts';
import type { Flow, LinkMessages, Messages } from './messages/messages.ts';
import { outcomeResponse } from './outcome_response.ts';
import { linkPage } from './pages/link_page.ts';
import type { Route } from './route.ts';
import type { WebParts } from './web_parts.ts';

/** `/connect/{handle}`: the user's way to Entra. */
export function connectRoute(parts: WebParts): Route {
  return linkRoute({
    pattern: /^\/connect\/([^/]+)$/,
    flow: 'user',
    link: parts.authorizations,
    messages: ({ connect }) => connect,
    parts,
  });
}

/** `/admin-consent/{handle}`: the administrator's. */
export function adminConsentRoute(parts: WebParts): Route {
  return linkRoute({
    pattern: /^\/admin-consent\/([^/]+)$/,
    flow: 'administrator',
    link: parts.adminConsents,
    messages: ({ adminConsent }) => adminConsent,
    parts,
  });
}

interface Link {
  readonly pattern: RegExp;
  readonly flow: Flow;
  readonly link: {
    describe(handle: string, trace: PageTrace): Promise<AuthorizationDescription>;
    open(handle: string, trace: PageTrace): Promise<string>;
  };
  readonly messages: (messages: Messages) => LinkMessages;
  readonly parts: WebParts;
}

/** Looking uses nothing up, however often a mail scanner does it; the button posts. */
function linkRoute({ pattern, flow, link, messages, parts }: Link): Route {
  const orOutcome = async (httpRequest: HttpRequest, work: () => Promise<HttpResponse>): Promise<HttpResponse> => {
    try {
      return await work();
    } catch (error) {
      if (!isVaultError(error)) throw error;
      const answer = await outcomeResponse({ parts, httpRequest, flow, outcome: { outcome: error.reason } });
      return error.reason === 'STATE_INVALID' ? { ...answer, status: 404 } : answer;
    }
  };
  const look = (httpRequest: HttpRequest, handle: string) =>
    orOutcome(httpRequest, async () =>
      page(
        200,
        httpRequest.messages,
        linkPage(httpRequest.messages, messages(httpRequest.messages), await link.describe(handle, httpRequest.trace)),
      ),
    );
  const press = (httpRequest: HttpRequest, handle: string) =>
    orOutcome(httpRequest, async () => seeOther(await link.open(handle, httpRequest.trace)));
  return { pattern, methods: { GET: look, HEAD: look, POST: press } };
}
