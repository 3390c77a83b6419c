import { randomUUID } from 'node:crypto';
import { describe, type EntraError, errorUri } from '../errors/entra_error.ts';
import { type HttpResponse, html, redirect } from '../http/http_response.ts';
import type { ReturnAddress } from './authorize_request.ts';
import { formPostPage } from './pages.ts';

/** Sends the browser back to the app, in the way that it asked for. */
export function sendBack(
  to: ReturnAddress,
  parameters: Record<string, string>,
  headers: Record<string, string> = {},
): HttpResponse {
  const all = { ...parameters, ...(to.state === undefined ? {} : { state: to.state }) };
  if (to.responseMode === 'form_post') return html(200, formPostPage(to.redirectUri, all), headers);
  const text = new URLSearchParams(all).toString();
  if (to.responseMode === 'fragment') return redirect(`${to.redirectUri}#${text}`, headers);
  return redirect(`${to.redirectUri}${to.redirectUri.includes('?') ? '&' : '?'}${text}`, headers);
}

export function sendBackError(to: ReturnAddress, error: BrowserError, now: number): HttpResponse {
  return sendBack(to, errorParameters(error, now));
}

/**
 * Somebody pressed Cancel, or "Return to the application without granting consent" where an administrator would have to. Both look
 * alike, and have neither description nor number: measured by others, as in https://github.com/MicrosoftDocs/azure-docs/issues/41053.
 */
export function sendBackDeclined(to: ReturnAddress): HttpResponse {
  return sendBack(to, { error: 'access_denied', error_subcode: 'cancel' });
}

export type BrowserError = Pick<EntraError, 'code' | 'error' | 'message'>;

export function errorParameters(error: BrowserError, now: number): Record<string, string> {
  const timestamp = `${new Date(now).toISOString().slice(0, 19).replace('T', ' ')}Z`;
  const parts = { traceId: randomUUID(), correlationId: randomUUID(), timestamp, separator: '\r\n' };
  // Personal accounts have neither the number nor the rest.
  if (error.code === undefined) return { error: error.error, error_description: error.message };
  return { error: error.error, error_description: describe(error, parts), error_uri: errorUri(error) };
}

/**
 * The error as the authorize endpoint names it, which knows no `invalid_grant`, and calls a redirect URI a matter of the request.
 * https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow#error-codes-for-authorization-endpoint-errors
 */
export function atAuthorize(error: EntraError): BrowserError {
  const { code, message } = error;
  if (code === 50011 || code === 500112) return { code, message, error: 'invalid_request' };
  if (error.error !== 'invalid_grant') return { code, message, error: error.error };
  if (error.suberror === 'consent_required') return { code, message, error: 'consent_required' };
  return { code, message, error: error.suberror === 'basic_action' ? 'interaction_required' : 'access_denied' };
}
