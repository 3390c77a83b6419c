import { randomUUID } from 'node:crypto';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { listen, stopListening } from '../listeners/listen.ts';
import { startTlsReload, type TlsFiles } from '../listeners/tls_files.ts';
import type { Duration } from '../model/clock.ts';
import type { ListenAddress } from '../model/listen_address.ts';
import { errorLocation } from '../telemetry/error_location.ts';
import { limitConnections } from './connection_limit.ts';
import { HTTP_LIMITS, HTTPS_LIMITS } from './http_limits.ts';
import { readHttpRequest } from './http_request.ts';
import { sendResponse } from './http_response.ts';
import { LANGUAGES, type Languages, messagesFor } from './messages/languages.ts';
import { outcomeResponse } from './outcome_response.ts';
import { createRoutes } from './routes.ts';
import { securityHeaders } from './security_headers.ts';
import type { WebParts } from './web_parts.ts';

export interface WebServer {
  /** Where it listens, with the port that it got. */
  readonly address: ListenAddress;
  /** What is under way is answered, for at most `grace` milliseconds (default 10 s). */
  close(grace?: number): Promise<void>;
}

export interface WebServerOptions extends WebParts {
  readonly address: ListenAddress;
  readonly publicUrl: string;
  /** Renewed while it runs: new connections get the new certificate, those that stand keep theirs. */
  readonly tls?: TlsFiles | undefined;
  /** How often the TLS files are looked at. Default: 10 s. */
  readonly tlsInterval?: Duration | undefined;
  /** Default: 1,000. */
  readonly maxConnections?: number | undefined;
  /** What the pages speak; the first where a browser wants none of them. Default: those that ship. */
  readonly languages?: Languages | undefined;
}

const MOST_CONNECTIONS = 1_000;

/** What browsers reach: `/connect/…`, `/admin-consent/…`, `/oauth2/callback`, `/logos/…`; and Azure: `/event-grid`. FIELD_INVALID where the TLS files cannot be used. */
export async function startWebServer(options: WebServerOptions): Promise<WebServer> {
  const { log, tls, languages = LANGUAGES } = options;
  const answer = createRoutes(options);
  const security = securityHeaders(options.publicUrl);
  const listener: RequestListener = (request, response) => {
    limit.begin(request);
    const httpRequest = readHttpRequest({
      request,
      requestId: randomUUID(),
      messages: messagesFor(languages, request),
    });
    answer(httpRequest)
      .catch((error: unknown) => {
        log.event('error', 'internal_error', { requestId: httpRequest.requestId, ...errorLocation(error) });
        return outcomeResponse({ parts: options, httpRequest, flow: 'user', outcome: { outcome: 'INTERNAL' } });
      })
      .then((answered) => {
        // A body that nobody read would be taken for the next request.
        if (!request.complete) response.setHeader('connection', 'close');
        sendResponse(response, answered, security);
        limit.answered(request);
      })
      .catch(() => response.destroy());
  };
  const secure = tls && createHttpsServer(HTTPS_LIMITS, listener);
  const reload =
    tls &&
    (await startTlsReload({
      // Browsers have no client certificate.
      files: { certFile: tls.certFile, keyFile: tls.keyFile },
      use: (material) => secure?.setSecureContext({ ...material, minVersion: 'TLSv1.2' }),
      log,
      interval: options.tlsInterval,
    }));
  const server = secure ?? createHttpServer(HTTP_LIMITS, listener);
  const limit = limitConnections(server, options.maxConnections ?? MOST_CONNECTIONS);
  try {
    return {
      address: await listen(server, options.address),
      async close(grace = 10_000) {
        reload?.close();
        await stopListening(server, grace);
      },
    };
  } catch (error) {
    reload?.close();
    throw error;
  }
}
