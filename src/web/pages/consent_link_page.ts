import type { Approval, LinkDescription } from '../../connect/describe_and_open_consent_links.ts';
import type { Product } from '../../connect/product_shown_on_page.ts';
import type { Timestamp } from '../../model/clock.ts';
import { type Content, type Html, html } from '../escaping_html_template.ts';
import type { Flow, Messages } from '../messages/page_message_types.ts';
import { approvalRequest } from './approval_request.ts';
import { namesOf } from './names.ts';
import { document } from './page_layout.ts';
import { PERSON, TICK } from './status_icons.ts';

/** The query of the page's own address that Cancel posts to. */
export const CANCEL = 'cancel';

/** The page before Entra: tenant, product, requested scopes, and the buttons, which post to the page's own address. */
export function linkPage(messages: Messages, flow: Flow, description: LinkDescription): Html {
  const { product, scopes, implicit, expireTime, account, approval } = description;
  const link = messages.links[flow];
  const names = namesOf(messages, product, { expected: account });
  const requested = html`<h2>${link.scopes(names)}</h2>
<ul role="list" class="able">${scopes.map((scope) => html`<li>${TICK}<span>${scopeText(messages, scope)}</span></li>`)}</ul>`;
  const included = html`<div class="also quiet"><h2>${link.implicit(names)}</h2>
<ul role="list">${implicit.map((scope) => html`<li>${scopeText(messages, scope)}</li>`)}</ul></div>`;
  return document({
    messages,
    title: link.title,
    product,
    body: html`<h1>${link.title}</h1>
<p class="lead">${link.lead(names)}</p>
${approval === undefined ? undefined : html`<p>${messages.approval.first(names)}</p>`}
${account && link.account && html`<p class="account">${PERSON}<span>${link.account(names)}</span></p>`}
${scopes.length === 0 ? html`<p>${link.unlisted(names)}</p>` : requested}
${implicit.length === 0 ? undefined : included}
<form method="post" class="actions"><p class="caution">${link.caution(names)}</p>
<button class="button" type="submit">${link.button}</button>
${link.cancel === undefined ? undefined : html`<button class="button other" type="submit" formaction="?${CANCEL}">${link.cancel}</button>`}</form>
<p class="quiet">${link.afterwards(names)} ${link.expiry(formattedTime(messages, expireTime))}</p>
${approval === undefined ? undefined : requestOf(messages, product, approval)}`,
  });
}

/** Before the user meets "Need admin approval" at Microsoft, a page that leads nowhere. */
function requestOf(messages: Messages, product: Product, { adminConsentUri: link }: Approval): Content {
  const names = namesOf(messages, product);
  const { notYet, text } = messages.approval;
  return html`<h2>${notYet(names)}</h2>
${link === undefined ? html`<blockquote><p>${text(names)}</p></blockquote>` : approvalRequest(messages, { product, link, buttonClass: 'button other' })}`;
}

/** In the language of the page, if it is a text of a built-in catalog. */
function scopeText({ scopeTexts, ofResource }: Messages, text: string): string {
  const [described = text, resource] = text.split(/, of (?=\S+$)/);
  if (!Object.hasOwn(scopeTexts, described)) return text;
  return [scopeTexts[described], ...(resource === undefined ? [] : [resource])].join(ofResource);
}

/** In UTC, with the zone: the reader's time zone is unknown. */
function formattedTime({ language }: Messages, time: Timestamp): Html {
  const date = new Date(time);
  const written = new Intl.DateTimeFormat(language, {
    day: 'numeric',
    month: 'long',
    year: 'numeric',
    hour: 'numeric',
    minute: '2-digit',
    hourCycle: 'h23',
    timeZone: 'UTC',
    timeZoneName: 'short',
  }).format(date);
  return html`<time datetime="${date.toISOString()}">${written}</time>`;
}
