import type { CallbackOutcome } from '../../connect/authorizations.ts';
import { type Content, type Html, html } from '../html.ts';
import type { Flow, Messages, Names } from '../messages/messages.ts';
import { adminConsentRequest } from './admin_consent_request.ts';
import { document } from './document.ts';
import { namesOf } from './names.ts';
import { OUTCOME_FACTS, type OutcomeKind, outcomeKind } from './outcome_kind.ts';
import { MARKS } from './status_icons.ts';

export interface Outcome extends Partial<CallbackOutcome> {
  readonly flow: Flow;
  readonly outcome: CallbackOutcome['outcome'];
  readonly requestId: string;
}

/** The end of a sign-in, in our own words: what happened, whose move it is, and the next step. */
export function outcomePage(messages: Messages, ended: Outcome): Html {
  const { flow, outcome, product, requestId } = ended;
  const kind = outcomeKind(outcome);
  const { mark, mover, reference } = OUTCOME_FACTS[kind];
  const said = messages.outcomes[flow][kind];
  const names = namesOf(messages, product);
  return document({
    messages,
    title: said.title,
    product,
    body: html`<div role="status">
<div class="outcome ${mark}">${MARKS[mark]}</div>
<h1>${said.title}</h1>
<p class="lead">${said.happened(names)}</p>
${ended.refusedResources?.length ? html`<p>${messages.connectedInPart(names)}</p>` : undefined}
</div>
<h2>${messages.moves[mover](names)}</h2>
<p>${said.next(names)}</p>
${reference ? html`<p>${messages.reference}: <code>${requestId}</code></p>` : undefined}
${nextSteps(messages, { ...ended, kind, names })}`,
  });
}

/** What an administrator is to be told comes before the way back, unless nobody knows whether one is needed. */
function nextSteps(
  messages: Messages,
  ended: Outcome & { readonly kind: OutcomeKind; readonly names: Names },
): Content {
  const { kind, flow, names, product, returnUrl, adminConsentUri: link } = ended;
  const needsApproval = kind === 'approvalNeeded' && flow === 'user';
  const back = (look: string) =>
    returnUrl === undefined
      ? undefined
      : html`<p><a class="${look}" href="${returnUrl}">${messages.backTo(names)}</a></p>`;
  if (link === undefined) {
    const say = needsApproval ? messages.approval.say : messages.outcomes[flow][kind].say;
    return [say === undefined ? undefined : html`<blockquote><p>${say(names)}</p></blockquote>`, back('button')];
  }
  const request = { messages, names, productName: product?.name ?? messages.unnamed.product, link };
  if (needsApproval) return [adminConsentRequest({ ...request, look: 'button' }), back('button other')];
  const heading = html`<h2>${messages.approval.whereInDoubt(names)}</h2>`;
  return [back('button'), heading, adminConsentRequest({ ...request, look: 'button other' })];
}
