import type { AuthorizationDescription } from '../connect/authorizations.ts';
import { isVaultError } from '../model/errors.ts';
import { type Answer, page, seeOther } from './answer.ts';
import { outcomeAnswer } from './outcome_answer.ts';
import { linkPage } from './pages/link_page.ts';
import type { Route } from './routes.ts';
import type { Visit } from './visit.ts';
import type { WebParts } from './web_parts.ts';
import type { Flow, LinkWords, Words } from './words/words.ts';

/** `/connect/{handle}`: the user's way to Entra. */
export function connectRoute({ authorizations, log }: WebParts): Route {
  return linkRoute({
    pattern: /^\/connect\/([^/]+)$/,
    flow: 'user',
    link: authorizations,
    words: ({ connect }) => connect,
    log,
  });
}

/** `/admin-consent/{handle}`: the administrator's. */
export function adminConsentRoute({ adminConsents, log }: WebParts): Route {
  return linkRoute({
    pattern: /^\/admin-consent\/([^/]+)$/,
    flow: 'administrator',
    link: adminConsents,
    words: ({ adminConsent }) => adminConsent,
    log,
  });
}

interface Link {
  readonly pattern: RegExp;
  readonly flow: Flow;
  readonly link: {
    describe(handle: string): Promise<AuthorizationDescription>;
    open(handle: string): Promise<string>;
  };
  readonly words: (words: Words) => LinkWords;
  readonly log: WebParts['log'];
}

/** Looking uses nothing up, however often a mail scanner does it; the button posts. */
function linkRoute({ pattern, flow, link, words, log }: Link): Route {
  const orOutcome = async (visit: Visit, work: () => Promise<Answer>): Promise<Answer> => {
    try {
      return await work();
    } catch (error) {
      if (!isVaultError(error)) throw error;
      const answer = outcomeAnswer({ log, visit, flow, outcome: { outcome: error.reason } });
      return error.reason === 'STATE_INVALID' ? { ...answer, status: 404 } : answer;
    }
  };
  const look = (visit: Visit, handle: string) =>
    orOutcome(visit, async () =>
      page(200, visit.words, linkPage(visit.words, words(visit.words), await link.describe(handle))),
    );
  const press = (visit: Visit, handle: string) => orOutcome(visit, async () => seeOther(await link.open(handle)));
  return { pattern, methods: { GET: look, HEAD: look, POST: press } };
}
