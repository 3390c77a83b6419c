import { createHash } from 'node:crypto';
import type { Html } from './escaping_html_template.ts';
import { accentStyle } from './pages/accent_style.ts';
import { STYLE } from './pages/page_stylesheet.ts';
import { STATUS_STYLE } from './status_page/status_page_stylesheet.ts';

/** Of every page; `contentSecurityPolicy` also names the second style of a page. */
const STYLE_HASH = hashOf(STYLE);

/**
 * No script, no frame, no third-party resource. The styles are named by their hashes; the only images are the vault's logos. Browsers apply
 * `form-action` to every redirect that follows the form (CSP level 3, 6.4.1.1), and the hosts on the way to Entra and back are unknown (a
 * federated sign-in, the product's return URL), so it lists schemes; plain http only if the vault's own URL uses it.
 */
export function contentSecurityPolicy(publicUrl: string, accentColor?: string): string {
  const accent = accentStyle(accentColor);
  const styles = accent === undefined ? [STYLE_HASH] : [STYLE_HASH, hashOf(accent)];
  return [
    "default-src 'none'",
    `style-src ${styles.map((hash) => `'sha256-${hash}'`).join(' ')}`,
    "img-src 'self'",
    `form-action 'self' https:${isHttps(publicUrl) ? '' : ' http:'}`,
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

/** Of the status page. It has no images, forms and links. */
export function statusPageHeaders(): Readonly<Record<string, string>> {
  const policy = `default-src 'none'; style-src 'sha256-${hashOf(STATUS_STYLE)}'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'`;
  return { ...PAGE_HEADERS, 'content-security-policy': policy };
}

const PAGE_HEADERS = {
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'cross-origin-resource-policy': 'same-origin',
  'x-robots-tag': 'noindex, nofollow',
};

/** No cross-origin-opener-policy: products connect their users in a pop-up, which needs its opener. */
export function securityHeaders(publicUrl: string): Readonly<Record<string, string>> {
  return {
    ...PAGE_HEADERS,
    'content-security-policy': contentSecurityPolicy(publicUrl),
    ...(isHttps(publicUrl) ? { 'strict-transport-security': 'max-age=31536000' } : {}),
  };
}

function isHttps(publicUrl: string): boolean {
  return publicUrl.startsWith('https:');
}

function hashOf(style: Html): string {
  return createHash('sha256').update(style.toString()).digest('base64');
}
