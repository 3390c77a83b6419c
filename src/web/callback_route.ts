import { isAdminConsentState } from '../connect/admin_consents.ts';
import type { CallbackOutcome } from '../connect/authorizations.ts';
import type { HttpRequest } from './http_request.ts';
import { type HttpResponse, page, plain, seeOther } from './http_response.ts';
import type { Flow } from './messages/messages.ts';
import { outcomeResponse } from './outcome_response.ts';
import { noticePage } from './pages/notice_page.ts';
import { readAdminConsent } from './read_admin_consent.ts';
import { readCallback } from './read_callback.ts';
import { readForm } from './read_form.ts';
import type { Route } from './route.ts';
import type { WebParts } from './web_parts.ts';

const LONGEST_QUERY = 8 * 1024;

const NO_FORM = {
  400: 'The form did not come whole.',
  413: 'The form is too large.',
  415: 'Only a form is understood here.',
} as const;

/** Where Entra sends browsers back to. No HEAD: it would use the state up without anybody seeing the outcome. */
export function callbackRoute(parts: WebParts): Route {
  return {
    pattern: /^\/oauth2\/callback$/,
    methods: {
      async GET(httpRequest) {
        if (httpRequest.query.length > LONGEST_QUERY) return plain(414, 'The address is too long.');
        return received(parts, httpRequest, new URLSearchParams(httpRequest.query));
      },
      async POST(httpRequest) {
        const form = await readForm(httpRequest.request);
        return typeof form === 'number' ? plain(form, NO_FORM[form]) : received(parts, httpRequest, form);
      },
    },
  };
}

async function received(parts: WebParts, httpRequest: HttpRequest, parameters: URLSearchParams): Promise<HttpResponse> {
  const { requestId, trace, messages } = httpRequest;
  const unreadable = (flow: Flow) => ended(parts, httpRequest, flow, { outcome: 'STATE_INVALID' });
  if (isAdminConsentState(parameters.get('state') ?? '')) {
    const answered = readAdminConsent(parameters);
    if (answered === undefined) return unreadable('administrator');
    return ended(
      parts,
      httpRequest,
      'administrator',
      await parts.adminConsents.callback({ ...answered, requestId, trace }),
    );
  }
  // Where next_steps sends an administrator; it proves nothing, and nothing waits for it.
  if (parameters.has('admin_consent') && !parameters.has('error')) {
    return page(200, messages, noticePage(messages, messages.backFromMicrosoft));
  }
  const answered = readCallback(parameters);
  if (answered === undefined) return unreadable('user');
  return ended(parts, httpRequest, 'user', await parts.authorizations.callback({ ...answered, requestId, trace }));
}

type Ended = Pick<CallbackOutcome, 'outcome'> & Partial<CallbackOutcome>;

/** Who got what they wanted goes straight back. All else is explained first (ADR 12). */
async function ended(parts: WebParts, httpRequest: HttpRequest, flow: Flow, outcome: Ended): Promise<HttpResponse> {
  const resources = outcome.refusedResources?.join(' ') ?? '';
  if (resources !== '') parts.log.event('info', 'connected_in_part', { requestId: httpRequest.requestId, resources });
  if (outcome.returnUrl !== undefined && outcome.outcome === 'GRANTED') return seeOther(outcome.returnUrl);
  return outcomeResponse({ parts, httpRequest, flow, outcome });
}
