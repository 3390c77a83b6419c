import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { listen, stopListening } from '../listeners/start_and_stop_listening.ts';
import { startTlsReload, type TlsFiles, type TlsReload } from '../listeners/tls_file_reload.ts';
import type { Clock, Duration } from '../model/clock.ts';
import type { ListenAddress } from '../model/listen_address.ts';
import type { PageAudit } from './failure_page_audit.ts';
import { readHttpRequest } from './http_request.ts';
import type { HttpResponse } from './http_response.ts';
import { LANGUAGES, type Languages, messagesFor } from './messages/negotiate_page_language.ts';
import { newReference } from './new_reference.ts';
import { outcomeResponse } from './outcome_page_response.ts';
import { createFailureReports } from './report_failure_page.ts';
import type { WebParts } from './route_types.ts';
import { contentSecurityPolicy, securityHeaders } from './security_headers.ts';
import { HTTP_LIMITS, HTTPS_LIMITS, serveRequests } from './serve_http_requests.ts';
import { createRoutes } from './web_router.ts';

export interface WebServer {
  /** With the actual port. */
  readonly address: ListenAddress;
  /** Undefined: plaintext. */
  readonly tlsReload: Pick<TlsReload, 'check' | 'fault'> | undefined;
  /** Completes requests in progress for at most `grace` milliseconds (default 10 s). */
  close(grace?: number): Promise<void>;
}

export interface WebServerOptions extends Omit<WebParts, 'failures'> {
  readonly address: ListenAddress;
  readonly publicUrl: string;
  /** Reloaded at run time: new connections get the new certificate, open ones keep theirs. */
  readonly tls?: TlsFiles | undefined;
  /** How often the TLS files are checked. Default: 10 s. */
  readonly tlsInterval?: Duration | undefined;
  /** Default: 1,000. */
  readonly maxConnections?: number | undefined;
  /** The languages of the pages; the first is the default. Default: those of the vault. */
  readonly languages?: Languages | undefined;
  /** Undefined: pages are not audited. */
  readonly audit?: PageAudit | undefined;
  /** Default: that of the system. */
  readonly clock?: Clock | undefined;
}

/**
 * The listener for browsers (`/connect/…`, `/admin-consent/…`, `/oauth2/callback`, `/logos/…`) and Azure (`/event-grid`).
 * FIELD_INVALID: the TLS files cannot be used.
 */
export async function startWebServer(options: WebServerOptions): Promise<WebServer> {
  const { log, tls, languages = LANGUAGES, maxConnections = 1_000 } = options;
  const parts = { ...options, failures: createFailureReports(options) };
  const route = createRoutes(parts);
  const secure = tls && createHttpsServer(HTTPS_LIMITS);
  const reload =
    tls &&
    (await startTlsReload({
      files: tls,
      use: (material) => secure?.setSecureContext({ ...material, minVersion: 'TLSv1.2' }),
      log,
      interval: options.tlsInterval,
    }));
  const server = secure ?? createHttpServer(HTTP_LIMITS);
  serveRequests(server, { maxConnections, headers: securityHeaders(options.publicUrl) }, (request) => {
    const requestId = newReference();
    const httpRequest = readHttpRequest({ request, requestId, messages: messagesFor(languages, request) });
    const response = route(httpRequest).catch((unexpected: unknown) =>
      outcomeResponse({ parts, httpRequest, flow: 'user', outcome: { outcome: 'INTERNAL' }, unexpected }),
    );
    return response.then((sent) => allowingAccent(options.publicUrl, sent));
  });
  try {
    return {
      address: await listen(server, options.address),
      tlsReload: reload,
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

/** A page with a colour of its own has a second style. */
function allowingAccent(publicUrl: string, response: HttpResponse): HttpResponse {
  const { accentColor, headers } = response;
  if (accentColor === undefined) return response;
  const policy = contentSecurityPolicy(publicUrl, accentColor);
  return { ...response, headers: { ...headers, 'content-security-policy': policy } };
}
