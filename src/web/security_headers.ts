import { createHash } from 'node:crypto';
import { STYLE } from './pages/page_stylesheet.ts';

const STYLE_HASH = createHash('sha256').update(STYLE.toString()).digest('base64');

/**
 * No script, no frame, no third-party resource. The only style is named by its hash; the only images are the vault's logos. Browsers apply
 * `form-action` to every redirect that follows the form (CSP level 3, 6.4.1.1), and the hosts on the way to Entra and back are unknown (a
 * federated sign-in, the product's return URL), so it lists schemes; plain http only if the vault's own URL uses it.
 * No cross-origin-opener-policy: products connect their users in a pop-up, which needs its opener.
 */
export function securityHeaders(publicUrl: string): Readonly<Record<string, string>> {
  const https = publicUrl.startsWith('https:');
  return {
    'cache-control': 'no-store',
    'content-security-policy': [
      "default-src 'none'",
      `style-src 'sha256-${STYLE_HASH}'`,
      "img-src 'self'",
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
