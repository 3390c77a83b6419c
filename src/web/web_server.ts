import { randomUUID } from 'node:crypto';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { Authorizations } from '../connect/authorizations.ts';
import type { Log } from '../telemetry/log.ts';
import { whereItArose } from '../telemetry/where_it_arose.ts';
import { page, securityHeaders, sendAnswer } from './answer.ts';
import { HTTP_LIMITS } from './http_limits.ts';
import { type ListenAddress, listen, stopListening } from './listen.ts';
import { outcomePage } from './pages.ts';
import { answerBrowser } from './routes.ts';
import type { TlsPair } from './tls_pair.ts';

export interface WebServer {
  /** Where it listens, with the port that it got. */
  readonly address: ListenAddress;
  /** New connections get this pair, those that stand keep theirs. Nothing to do without TLS. */
  useTls(pair: TlsPair): void;
  /** What is under way is answered, for at most `grace` milliseconds (default 10 s). */
  close(grace?: number): Promise<void>;
}

/** What browsers reach: `/connect/{handle}` and `/oauth2/callback`. */
export async function startWebServer(options: {
  readonly address: ListenAddress;
  readonly authorizations: Pick<Authorizations, 'describe' | 'open' | 'callback'>;
  readonly publicUrl: string;
  readonly tls?: TlsPair | undefined;
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
  const secure = tls === undefined ? undefined : createHttpsServer({ ...HTTP_LIMITS, ...pem(tls) }, listener);
  const server = secure ?? createHttpServer(HTTP_LIMITS, listener);
  server.maxConnections = 1_000;
  return {
    address: await listen(server, options.address),
    useTls: (pair) => secure?.setSecureContext(pem(pair)),
    close: (grace = 10_000) => stopListening(server, grace),
  };
}

function pem({ cert, key }: TlsPair) {
  return { cert, key, minVersion: 'TLSv1.2' } as const;
}
