import { randomUUID } from 'node:crypto';
import { describe, type EntraError, errorUri } from '../errors/entra_error.ts';
import { type HttpResponse, html, redirect } from '../http/http_response.ts';
import { formPostPage } from './html_pages.ts';
import type { ReturnAddress } from './read_authorize_request.ts';

/** Redirects the browser to the app, with the requested `response_mode`. */
export function redirectToApp(
  { redirectUri, responseMode, state }: ReturnAddress,
  parameters: Record<string, string>,
  headers: Record<string, string> = {},
): HttpResponse {
  const all = { ...parameters, ...(state === undefined ? {} : { state }) };
  if (responseMode === 'form_post') return html(200, formPostPage(redirectUri, all), headers);
  const separator = responseMode === 'fragment' ? '#' : redirectUri.includes('?') ? '&' : '?';
  return redirect(`${redirectUri}${separator}${new URLSearchParams(all)}`, headers);
}

export function redirectError(to: ReturnAddress, error: BrowserError, now: number): HttpResponse {
  return redirectToApp(to, errorParameters(error, now));
}

/**
 * The user has pressed Cancel, or "Return to the application without granting consent". Both have the same response, without
 * description or number, as measured in https://github.com/MicrosoftDocs/azure-docs/issues/41053.
 */
export function redirectDeclined(to: ReturnAddress): HttpResponse {
  return redirectToApp(to, { error: 'access_denied', error_subcode: 'cancel' });
}

export type BrowserError = Pick<EntraError, 'code' | 'error' | 'message'>;

export function errorParameters(error: BrowserError, now: number): Record<string, string> {
  // Errors of personal accounts have neither the number nor the trace.
  if (error.code === undefined) return { error: error.error, error_description: error.message };
  const trace = { traceId: randomUUID(), correlationId: randomUUID(), now, separator: '\r\n' };
  return { error: error.error, error_description: describe(error, trace), error_uri: errorUri(error) };
}

/**
 * The error under the name of the authorize endpoint, which has no `invalid_grant` and treats redirect URIs as `invalid_request`.
 * https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow#error-codes-for-authorization-endpoint-errors
 */
export function authorizeError({ code, message, error, suberror }: EntraError): BrowserError {
  if (code === 50011 || code === 500112) return { code, message, error: 'invalid_request' };
  if (error !== 'invalid_grant') return { code, message, error };
  if (suberror === 'consent_required') return { code, message, error: 'consent_required' };
  return { code, message, error: suberror === 'basic_action' ? 'interaction_required' : 'access_denied' };
}
