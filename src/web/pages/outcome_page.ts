import type { CallbackOutcome } from '../../connect/browser_callback_flow.ts';
import { type Content, type Html, html } from '../escaping_html_template.ts';
import type { Flow, Messages, Names } from '../messages/page_message_types.ts';
import { namesOf } from './names.ts';
import { OUTCOME_FACTS, type OutcomeKind, outcomeKind } from './outcome_page_kinds.ts';
import { document } from './page_layout.ts';
import { STATUS_ICONS } from './status_icons.ts';

export interface Outcome extends Partial<CallbackOutcome> {
  readonly flow: Flow;
  readonly outcome: CallbackOutcome['outcome'];
  readonly requestId: string;
}

/** The last page of a flow: what happened, who must act, and the next step. */
export function outcomePage(messages: Messages, outcome: Outcome): Html {
  const { flow, product, requestId, refusedResources = [] } = outcome;
  const kind = outcomeKind(outcome.outcome);
  const { whoActs, reference } = OUTCOME_FACTS[kind];
  const texts = messages.outcomes[flow][kind];
  const names = namesOf(messages, product);
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
${reference ? html`<p>${messages.reference}: <code>${requestId}</code></p>` : undefined}
${nextSteps(messages, outcome, kind, names)}`,
  });
}

/** The text for an administrator comes before the way back, unless it is unknown whether one is needed. */
function nextSteps(messages: Messages, outcome: Outcome, kind: OutcomeKind, names: Names): Content {
  const { flow, product, returnUrl, adminConsentUri: link } = outcome;
  const { approval, backTo, unnamed, outcomes } = messages;
  const needsApproval = kind === 'approvalNeeded' && flow === 'user';
  const back = (look: string) =>
    returnUrl === undefined ? undefined : html`<p><a class="${look}" href="${returnUrl}">${backTo(names)}</a></p>`;
  if (link === undefined) {
    const text = needsApproval ? approval.text : outcomes[flow][kind].toAdministrator;
    return [text && html`<blockquote><p>${text(names)}</p></blockquote>`, back('button')];
  }
  const { subject, body } = approval.email(product?.name ?? unnamed.product, link);
  const mailto = `mailto:?subject=${encoded(subject)}&body=${encoded(body)}`;
  const request = (look: string) => html`<blockquote><p>${approval.text(names)}</p><p>${link}</p></blockquote>
<p><a class="${look}" href="${mailto}">${approval.send}</a></p>
<p class="centre"><a href="${link}">${approval.openYourself}</a></p>`;
  if (needsApproval) return [request('button'), back('button other')];
  return [back('button'), html`<h2>${approval.ifNeeded(names)}</h2>`, request('button other')];
}

/** RFC 6068, section 5: a line ends with CR LF. */
function encoded(text: string): string {
  return encodeURIComponent(text.toWellFormed().replaceAll('\n', '\r\n'));
}
