import { createHash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { STYLE } from './style.ts';

/** What a browser is answered. Nothing in it comes from the request. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export function page(status: number, html: string): Answer {
  return { status, headers: { 'content-type': 'text/html; charset=utf-8' }, body: html };
}

export function plain(status: number, text: string, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8', ...headers }, body: `${text}\n` };
}

/** See Other: the browser follows with a GET, whatever it came with. RFC 9110, section 15.4.4. */
export function seeOther(location: string): Answer {
  return { ...plain(303, 'Go on.'), headers: { 'content-type': 'text/plain; charset=utf-8', location } };
}

export function sendAnswer(response: ServerResponse, answer: Answer, security: Readonly<Record<string, string>>): void {
  const length = String(Buffer.byteLength(answer.body));
  response.writeHead(answer.status, { ...security, ...answer.headers, 'content-length': length });
  response.end(response.req.method === 'HEAD' ? undefined : answer.body);
}

const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64');

/**
 * No script, no frame, no foreign resource; the one style is named by its hash. Browsers hold `form-action` against every redirect that
 * follows the form (CSP level 3, 6.4.1.1), and the way to Entra and back leads over hosts that nobody knows beforehand (a federated
 * sign-in, the product's return URL): so it names schemes. Plain http is in it only where the vault itself is reached by it.
 * No cross-origin-opener-policy: products connect their users in a pop-up, which must find its opener again.
 */
export function securityHeaders(publicUrl: string): Readonly<Record<string, string>> {
  const https = publicUrl.startsWith('https:');
  return {
    'cache-control': 'no-store',
    'content-security-policy': [
      "default-src 'none'",
      `style-src 'sha256-${STYLE_HASH}'`,
      `form-action 'self' https:${https ? '' : ' http:'}`,
      "base-uri 'none'",
      "frame-ancestors 'none'",
    ].join('; '),
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'cross-origin-resource-policy': 'same-origin',
    'x-robots-tag': 'noindex, nofollow',
    ...(https ? { 'strict-transport-security': 'max-age=31536000' } : {}),
  };
}
