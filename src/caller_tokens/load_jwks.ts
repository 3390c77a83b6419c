import { type Duration, MINUTE, SECOND } from '../model/clock.ts';
import type { HttpProxy } from '../model/http_proxy.ts';
import { Secret } from '../model/secret.ts';
import type { JwksLocation } from '../model/token_issuer.ts';
import { fetchJwks } from './fetch_jwks.ts';
import { readBoundedFile } from './read_bounded_file.ts';

/** Reads the JWK set of one issuer. */
export interface JwksLoader {
  /** KEY_SOURCE_UNAVAILABLE */
  load(signal: AbortSignal): Promise<string>;
  /** How often it is read if nothing is missing. */
  readonly period: Duration;
}

const MOST_BYTES = 256 * 1_024;
/** A file costs nothing to read. Hosts publish new keys long before they use them. */
const PERIOD = { file: 30 * SECOND, url: 5 * MINUTE };

export function createJwksLoader(location: JwksLocation, proxy: HttpProxy | undefined): JwksLoader {
  if ('file' in location) return { period: PERIOD.file, load: () => readBoundedFile(location.file, MOST_BYTES) };
  const { url, caFile, tokenFile } = location;
  return {
    period: PERIOD.url,
    async load(signal) {
      // Read for each request, because Kubernetes renews both.
      const [ca, token] = await Promise.all([readIfSet(caFile), readIfSet(tokenFile)]);
      const secret = token === undefined ? undefined : new Secret(token.trim());
      return fetchJwks({ url, ca, token: secret, proxy, mostBytes: MOST_BYTES, signal });
    },
  };
}

async function readIfSet(path: string | undefined): Promise<string | undefined> {
  return path === undefined ? undefined : readBoundedFile(path, MOST_BYTES);
}
