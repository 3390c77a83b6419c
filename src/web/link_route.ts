import type { AuthorizationDescription } from '../connect/authorizations.ts';
import type { PageTrace } from '../connect/page_trace.ts';
import { isVaultError } from '../model/errors.ts';
import type { Visit } from './http_request.ts';
import { type Answer, page, seeOther } from './http_response.ts';
import type { Flow, LinkWords, Words } from './messages/messages.ts';
import { outcomeAnswer } from './outcome_response.ts';
import { linkPage } from './pages/link_page.ts';
import type { Route } from './route.ts';
import type { WebParts } from './web_parts.ts';

/** `/connect/{handle}`: the user's way to Entra. */
export function connectRoute(parts: WebParts): Route {
  return linkRoute({
    pattern: /^\/connect\/([^/]+)$/,
    flow: 'user',
    link: parts.authorizations,
    words: ({ connect }) => connect,
    parts,
  });
}

/** `/admin-consent/{handle}`: the administrator's. */
export function adminConsentRoute(parts: WebParts): Route {
  return linkRoute({
    pattern: /^\/admin-consent\/([^/]+)$/,
    flow: 'administrator',
    link: parts.adminConsents,
    words: ({ adminConsent }) => adminConsent,
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
  readonly words: (words: Words) => LinkWords;
  readonly parts: WebParts;
}

/** Looking uses nothing up, however often a mail scanner does it; the button posts. */
function linkRoute({ pattern, flow, link, words, parts }: Link): Route {
  const orOutcome = async (visit: Visit, work: () => Promise<Answer>): Promise<Answer> => {
    try {
      return await work();
    } catch (error) {
      if (!isVaultError(error)) throw error;
      const answer = await outcomeAnswer({ parts, visit, flow, outcome: { outcome: error.reason } });
      return error.reason === 'STATE_INVALID' ? { ...answer, status: 404 } : answer;
    }
  };
  const look = (visit: Visit, handle: string) =>
    orOutcome(visit, async () =>
      page(200, visit.words, linkPage(visit.words, words(visit.words), await link.describe(handle, visit.trace))),
    );
  const press = (visit: Visit, handle: string) =>
    orOutcome(visit, async () => seeOther(await link.open(handle, visit.trace)));
  return { pattern, methods: { GET: look, HEAD: look, POST: press } };
}
