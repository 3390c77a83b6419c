import type { AuthorizationDescription } from '../../connect/authorizations.ts';
import type { Timestamp } from '../../model/clock.ts';
import { type Html, html } from '../html.ts';
import type { LinkMessages, Messages } from '../messages/messages.ts';
import { document } from './document.ts';
import { namesOf } from './names.ts';
import { TICK } from './status_icons.ts';

/** Who asks, for which product, what it will be able to do, and one button. Pressing it posts to the page's own address. */
export function linkPage(messages: Messages, link: LinkMessages, description: AuthorizationDescription): Html {
  const { product, scopes, implicit, expireTime } = description;
  const names = namesOf(messages, product);
  return document({
    messages,
    title: link.title,
    product,
    body: html`<h1>${link.title}</h1>
<p class="lead">${link.lead(names)}</p>
${scopes.length === 0 ? html`<p>${link.unlisted(names)}</p>` : undefined}
${
  scopes.length === 0
    ? undefined
    : html`<h2>${link.willBeAble(names)}</h2>
<ul role="list" class="able">${scopes.map((scope) => html`<li>${TICK}<span>${scope}</span></li>`)}</ul>`
}
${
  implicit.length === 0
    ? undefined
    : html`<h2 class="quiet">${link.alwaysAsked(names)}</h2>
<ul role="list" class="quiet">${implicit.map((scope) => html`<li>${scope}</li>`)}</ul>`
}
<p class="caution">${link.caution(names)}</p>
<form method="post"><button class="button" type="submit">${link.button}</button></form>
<p class="quiet">${link.afterwards(names)} ${link.end(writtenTime(messages, expireTime))}</p>`,
  });
}

/** In UTC, and saying so: where the reader is, nobody knows. */
function writtenTime({ language }: Messages, time: Timestamp): Html {
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
