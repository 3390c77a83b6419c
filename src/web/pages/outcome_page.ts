import type { CallbackOutcome } from '../../connect/browser_callback_flow.ts';
import { type Content, type Html, html } from '../escaping_html_template.ts';
import type { Flow, Messages, Names } from '../messages/page_message_types.ts';
import { approvalRequest } from './approval_request.ts';
import { namesOf } from './names.ts';
import { OUTCOME_FACTS, type OutcomeKind, outcomeKind } from './outcome_page_kinds.ts';
import { document } from './page_layout.ts';
import { referenceLine } from './reference_line.ts';
import { STATUS_ICONS } from './status_icons.ts';

export interface Outcome extends Partial<CallbackOutcome> {
  readonly flow: Flow;
  readonly outcome: CallbackOutcome['outcome'];
  /** Of an error page, if the log has it. */
  readonly reference: string | undefined;
}

/** The last page of a flow: what happened, who must act, and the next step. */
export function outcomePage(messages: Messages, outcome: Outcome): Html {
  const { flow, product, accounts, reference, refusedResources = [] } = outcome;
  const kind = outcomeKind(outcome.outcome);
  const { whoActs, forSupport } = OUTCOME_FACTS[kind];
  const texts = messages.outcomes[flow][kind];
  const names = namesOf(messages, product, accounts);
  return document({
    messages,
    title: texts.title,
    product,
    body: html`<div role="status">
<div class="outcome ${whoActs}">${STATUS_ICONS[whoActs]}</div>
<h1>${texts.title}</h1>
<p class="lead">${texts.happened(names)}</p>
${refusedResources.length > 0 ? html`<p>${messages.connectedInPart(names)}</p>` : undefined}
</div>
<h2>${messages.nextStep[whoActs](names)}</h2>
<p>${texts.next(names)}</p>
${reference && forSupport ? html`<p>${messages.reference}: <code>${reference}</code></p>` : undefined}
${nextSteps(messages, outcome, kind, names)}
${reference && !forSupport ? referenceLine(messages, reference) : undefined}`,
  });
}

/** The text for an administrator comes before the way back if one is needed, or probably is. */
function nextSteps(messages: Messages, outcome: Outcome, kind: OutcomeKind, names: Names): Content {
  const { flow, product, returnUrl, adminConsentUri: link, adminConsentLikely = false } = outcome;
  const { approval, backTo, outcomes } = messages;
  const needsApproval = kind === 'approvalNeeded' && flow === 'user';
  const back = (buttonClass: string) =>
    returnUrl === undefined
      ? undefined
      : html`<p><a class="${buttonClass}" href="${returnUrl}">${backTo(names)}</a></p>`;
  if (link === undefined) {
    const text = needsApproval ? approval.text : outcomes[flow][kind].toAdministrator;
    return [text && html`<blockquote><p>${text(names)}</p></blockquote>`, back('button')];
  }
  const request = (buttonClass: string) => approvalRequest(messages, { product, link, buttonClass });
  if (needsApproval) return [request('button'), back('button other')];
  const heading = html`<h2>${approval.ifNeeded(names)}</h2>`;
  if (adminConsentLikely) return [heading, request('button'), back('button other')];
  return [back('button'), heading, request('button other')];
}
