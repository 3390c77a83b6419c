import { randomUUID } from 'node:crypto';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { Authorizations } from '../connect/authorizations.ts';
import type { Duration } from '../model/clock.ts';
import type { Log } from '../telemetry/log.ts';
import { whereItArose } from '../telemetry/where_it_arose.ts';
import { page, securityHeaders, sendAnswer } from './answer.ts';
import { HTTP_LIMITS } from './http_limits.ts';
import { type ListenAddress, listen, stopListening } from './listen.ts';
import { outcomePage } from './pages.ts';
import { answerBrowser } from './routes.ts';
import type { TlsFiles } from './tls_pair.ts';
import { startTlsRenewal } from './tls_renewal.ts';

export interface WebServer {
  /** Where it listens, with the port that it got. */
  readonly address: ListenAddress;
  /** What is under way is answered, for at most `grace` milliseconds (default 10 s). */
  close(grace?: number): Promise<void>;
}

/** What browsers reach: `/connect/{handle}` and `/oauth2/callback`. FIELD_INVALID where the TLS files cannot be used. */
export async function startWebServer(options: {
  readonly address: ListenAddress;
  readonly authorizations: Pick<Authorizations, 'describe' | 'open' | 'callback'>;
  readonly publicUrl: string;
  /** Renewed while it runs: new connections get the new certificate, those that stand keep theirs. */
  readonly tls?: TlsFiles | undefined;
  /** How often the TLS files are looked at. Default: 10 s. */
  readonly tlsInterval?: Duration | undefined;
  readonly log: Log;
}): Promise<WebServer> {
  const { authorizations, log, tls } = options;
  const security = securityHeaders(options.publicUrl);
  const listener: RequestListener = (request, response) => {
    const requestId = randomUUID();
    answerBrowser(authorizations, request, requestId)
      .catch((error: unknown) => {
        log.event('error', 'internal_error', { requestId, ...whereItArose(error) });
        return page(500, outcomePage('INTERNAL'));
      })
      .then((answer) => {
        // A body that nobody read would be taken for the next request.
        if (!request.complete) response.setHeader('connection', 'close');
        sendAnswer(response, answer, security);
      })
      .catch(() => response.destroy());
  };
  const secure = tls && createHttpsServer(HTTP_LIMITS, listener);
  const renewal =
    tls &&
    (await startTlsRenewal({
      files: tls,
      use: (pair) => secure?.setSecureContext({ ...pair, minVersion: 'TLSv1.2' }),
      log,
      interval: options.tlsInterval,
    }));
  const server = secure ?? createHttpServer(HTTP_LIMITS, listener);
  server.maxConnections = 1_000;
  try {
    return {
      address: await listen(server, options.address),
      async close(grace = 10_000) {
        renewal?.close();
        await stopListening(server, grace);
      },
    };
  } catch (error) {
    renewal?.close();
    throw error;
  }
}
