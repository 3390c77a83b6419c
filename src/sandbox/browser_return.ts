import { randomUUID } from 'node:crypto';
import { type Answer, html, redirect } from './answer.ts';
import type { ReturnAddress } from './authorize_request.ts';
import { describe, type EntraError, errorUri } from './entra_error.ts';
import { formPostPage } from './pages.ts';

/** Sends the browser back to the app, in the way that it asked for. */
export function sendBack(
  to: ReturnAddress,
  parameters: Record<string, string>,
  headers: Record<string, string> = {},
): Answer {
  const all = { ...parameters, ...(to.state === undefined ? {} : { state: to.state }) };
  if (to.responseMode === 'form_post') return html(200, formPostPage(to.redirectUri, all), headers);
  const text = new URLSearchParams(all).toString();
  if (to.responseMode === 'fragment') return redirect(`${to.redirectUri}#${text}`, headers);
  return redirect(`${to.redirectUri}${to.redirectUri.includes('?') ? '&' : '?'}${text}`, headers);
}

export function sendBackError(to: ReturnAddress, error: EntraError, now: number): Answer {
  const timestamp = `${new Date(now).toISOString().slice(0, 19).replace('T', ' ')}Z`;
  const description = describe(error, { traceId: randomUUID(), correlationId: randomUUID(), timestamp });
  return sendBack(to, {
    error: error.error,
    // As Entra writes it when somebody presses Cancel.
    ...(error.code === 65004 ? { error_subcode: 'cancel' } : {}),
    error_description: description,
    error_uri: errorUri(error),
  });
}
