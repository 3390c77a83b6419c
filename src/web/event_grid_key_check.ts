import { timingSafeEqual } from 'node:crypto';
import { Secret } from '../model/secret.ts';
import type { HttpRequest } from './http_request.ts';
import { singleValuedParams } from './single_valued_params.ts';

/** A delivery property of the event subscription; names that begin with `aeg-` are Event Grid's own. */
const HEADER = 'tokenvault-event-grid-key';

/** Whether one of the keys came along, as `?key=` or in the header. Hashes are compared, so that time tells nothing, not even a length. */
export function hasKey(keys: readonly Secret[]): (httpRequest: Pick<HttpRequest, 'query' | 'request'>) => boolean {
  const hashes = keys.map(hashOf);
  return ({ query, request }) => {
    const given = singleValuedParams(new URLSearchParams(query), ['key'])?.key ?? request.headers[HEADER];
    if (typeof given !== 'string') return false;
    const hash = hashOf(new Secret(given));
    return hashes.some((one) => timingSafeEqual(one, hash));
  };
}

function hashOf(key: Secret): Buffer {
  return Buffer.from(key.sha256(), 'hex');
}
