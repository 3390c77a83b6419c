import { plain } from './http_response.ts';
import type { Route } from './route.ts';
import type { WebParts } from './web_parts.ts';

/**
 * A logo, by its hash. Bytes that a stranger gave: they are an image or nothing, even for somebody who opens the address itself.
 */
export function logoRoute({ logos }: Pick<WebParts, 'logos'>): Route {
  const find: Route['methods']['GET'] = async (_visit, hash) => {
    const logo = await logos.find(hash);
    if (logo === undefined) return plain(404, 'There is no such logo.');
    return {
      status: 200,
      headers: {
        'content-type': logo.mediaType,
        'cache-control': 'public, max-age=31536000, immutable',
        'content-security-policy': "default-src 'none'; sandbox",
      },
      body: logo.image,
    };
  };
  return { pattern: /^\/logos\/([0-9a-f]{64})$/, methods: { GET: find, HEAD: find } };
}
