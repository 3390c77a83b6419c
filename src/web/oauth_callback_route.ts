import type { CallbackOutcome } from '../connect/browser_callback_flow.ts';
import { isAdminConsentState } from '../connect/create_admin_consent_and_state.ts';
import type { HttpRequest } from './http_request.ts';
import { type HttpResponse, page, seeOther } from './http_response.ts';
import type { Flow } from './messages/page_message_types.ts';
import { outcomeResponse } from './outcome_page_response.ts';
import { noticePage } from './pages/notice_page.ts';
import { readAdminConsentResponse, readAuthorizationResponse } from './parse_entra_callback.ts';
import { mediaType, readBody } from './read_request_body.ts';
import { refused } from './refused_request_response.ts';
import type { Route, WebParts } from './route_types.ts';

const LONGEST_QUERY = 8 * 1024;
const LARGEST_FORM = 16 * 1024;

/** The redirect URI. No HEAD: it would use the state up, and no browser would show the outcome. */
export function callbackRoute(parts: WebParts): Route {
  return {
    pattern: /^\/oauth2\/callback$/,
    methods: {
      async GET(httpRequest) {
        if (httpRequest.query.length > LONGEST_QUERY) return refused(parts, httpRequest, 414, 'unreadable');
        return receive(parts, httpRequest, new URLSearchParams(httpRequest.query));
      },
      async POST(httpRequest) {
        const { request } = httpRequest;
        const isForm = mediaType(request) === 'application/x-www-form-urlencoded';
        if (!isForm) return refused(parts, httpRequest, 415, 'unreadable');
        const body = await readBody(request, LARGEST_FORM);
        if (typeof body === 'number') return refused(parts, httpRequest, body, 'unreadable');
        return receive(parts, httpRequest, new URLSearchParams(body.toString('utf8')));
      },
    },
  };
}

async function receive(parts: WebParts, httpRequest: HttpRequest, parameters: URLSearchParams): Promise<HttpResponse> {
  const { requestId, trace, messages } = httpRequest;
  if (isAdminConsentState(parameters.get('state') ?? '')) {
    const response = readAdminConsentResponse(parameters);
    const outcome = response && (await parts.adminConsents.callback({ ...response, requestId, trace }));
    return respond(parts, httpRequest, 'administrator', outcome);
  }
  // An administrator returns from the link of VerifyApp's next_steps: it proves nothing, and nothing waits for it.
  if (parameters.has('admin_consent') && !parameters.has('error')) {
    return page(200, messages, noticePage(messages, messages.backFromMicrosoft));
  }
  const response = readAuthorizationResponse(parameters);
  const outcome = response && (await parts.authorizations.callback({ ...response, requestId, trace }));
  return respond(parts, httpRequest, 'user', outcome);
}

/** Success redirects at once. Every other outcome is explained on a page first (ADR 12). */
async function respond(
  parts: WebParts,
  httpRequest: HttpRequest,
  flow: Flow,
  outcome: Partial<CallbackOutcome> & Pick<CallbackOutcome, 'outcome'> = { outcome: 'STATE_INVALID' },
): Promise<HttpResponse> {
  const resources = outcome.refusedResources?.join(' ') ?? '';
  if (resources !== '') parts.log.event('info', 'connected_in_part', { requestId: httpRequest.requestId, resources });
  if (outcome.returnUrl !== undefined && outcome.outcome === 'GRANTED') return seeOther(outcome.returnUrl);
  return outcomeResponse({ parts, httpRequest, flow, outcome });
}
