import { plain } from './http_response.ts';
import type { Handler, Route, WebParts } from './route_types.ts';

/** A logo, by its hash. Its bytes are untrusted: the headers keep browsers from using them as anything but an image. */
export function logoRoute({ logos }: Pick<WebParts, 'logos'>): Route {
  const find: Handler = async (_, hash) => {
    const logo = await logos.findLogo(hash);
    if (logo === undefined) return plain(404, 'There is no such logo.');
    const headers = {
      'content-type': logo.mediaType,
      'cache-control': 'public, max-age=31536000, immutable',
      'content-security-policy': "default-src 'none'; sandbox",
    };
    return { status: 200, headers, body: logo.image };
  };
  return { pattern: /^\/logos\/([0-9a-f]{64})$/, methods: { GET: find, HEAD: find } };
}
