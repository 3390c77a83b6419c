import { request } from 'undici';
import { connectionFaultOf } from '../https_client/connection_fault.ts';
import { createDispatchers } from '../https_client/create_dispatchers.ts';
import { type Duration, SECOND } from '../model/clock.ts';
import { VaultError } from '../model/errors.ts';
import type { HttpProxy } from '../model/http_proxy.ts';
import type { Secret } from '../model/secret.ts';

/** For connecting, sending, waiting and reading together: callers with a new key wait for it. */
const TIMEOUT: Duration = 5 * SECOND;

/** The body of a response 200. KEY_SOURCE_UNAVAILABLE, with the cause as a closed set of codes. */
export async function fetchJwks(parts: {
  readonly url: string;
  readonly ca: string | undefined;
  readonly token: Secret | undefined;
  readonly proxy: HttpProxy | undefined;
  readonly mostBytes: number;
  readonly signal: AbortSignal;
}): Promise<string> {
  const { url, ca, token, proxy, mostBytes } = parts;
  // New connections each time: a fetch is rare, and the certificate of the authority may have changed.
  const dispatchers = createDispatchers({ maxBody: mostBytes, connections: 1, proxy, ca });
  const timeout = AbortSignal.timeout(TIMEOUT);
  try {
    // undici's request follows no redirects: one would send the token to the address that it names.
    const response = await request(url, {
      dispatcher: dispatchers.of(url),
      signal: AbortSignal.any([parts.signal, timeout]),
      headersTimeout: 0,
      bodyTimeout: 0,
      headers: { accept: 'application/json', ...(token && { authorization: `Bearer ${token.reveal()}` }) },
    });
    // undici emits an error if a body is cut off; without a listener it would end the process.
    response.body.on('error', () => {});
    if (response.statusCode === 200) return await response.body.text();
    response.body.destroy();
    throw unavailable(url, `HTTP ${response.statusCode}`);
  } catch (error) {
    if (error instanceof VaultError) throw error;
    throw unavailable(url, timeout.aborted ? 'timeout' : connectionFaultOf(error));
  } finally {
    void dispatchers.close();
  }
}

function unavailable(url: string, fault: string): VaultError {
  return new VaultError(
    'KEY_SOURCE_UNAVAILABLE',
    `${url} did not answer with keys (${fault}). Check the address and the network.`,
  );
}
