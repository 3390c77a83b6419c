import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { SandboxRequest } from './http_request.ts';
import type { HttpResponse } from './http_response.ts';

export interface HttpServer {
  /** Without a trailing slash. */
  url: string;
  /** Sets the handler; until then requests get 503. */
  serve(respond: Respond): void;
  /** Closes all connections. */
  close(): Promise<void>;
}

export type Respond = (request: SandboxRequest, response: ServerResponse) => Promise<void>;

const MAX_BODY = 1024 * 1024;

/** PEM. */
export interface ServerCertificate {
  cert: string;
  key: string;
}

export async function startHttpServer(options: {
  host: string;
  port: number;
  /** Undefined: without TLS. */
  tls?: ServerCertificate | undefined;
}): Promise<HttpServer> {
  let respond: Respond = async (_request, response) => send(response, { status: 503, headers: {}, body: '' });
  const handle = (incoming: IncomingMessage, response: ServerResponse) => {
    // A client that disconnects is not an error.
    response.on('error', () => {});
    incoming.on('error', () => {});
    receive(incoming, response, respond).catch((error: unknown) => fail(response, error));
  };
  const server = options.tls === undefined ? createServer(handle) : createTlsServer(options.tls, handle);
  server.keepAliveTimeout = 60_000;
  server.on('clientError', (_error, socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `${options.tls === undefined ? 'http' : 'https'}://${options.host}:${port}`,
    serve(newRespond) {
      respond = newRespond;
    },
    close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      return closed;
    },
  };
}

async function receive(incoming: IncomingMessage, response: ServerResponse, respond: Respond): Promise<void> {
  const body = await readBody(incoming);
  if (body === undefined) {
    response.setHeader('connection', 'close');
    return send(response, {
      status: 413,
      headers: { 'content-type': 'text/plain' },
      body: 'The body is too long. Send at most 1 MiB.\n',
    });
  }
  const request = readRequest(incoming, body);
  if (request === undefined)
    return send(response, {
      status: 400,
      headers: { 'content-type': 'text/plain' },
      body: 'The URL is invalid. Check its percent encoding.\n',
    });
  await respond(request, response);
}

function readRequest(incoming: IncomingMessage, body: string): SandboxRequest | undefined {
  const url = URL.parse(incoming.url ?? '/', 'http://sandbox');
  if (url === null) return undefined;
  try {
    return {
      method: incoming.method ?? 'GET',
      path: decodeURIComponent(url.pathname),
      query: url.searchParams,
      headers: incoming.headers,
      body,
    };
  } catch {
    return undefined;
  }
}

/** Undefined: the body is too long. */
async function readBody(incoming: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of incoming) {
    length += chunk.length;
    if (length > MAX_BODY) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

export function send(response: ServerResponse, answer: HttpResponse): void {
  if (response.destroyed || response.headersSent) return;
  response.writeHead(answer.status, { ...answer.headers, 'content-length': Buffer.byteLength(answer.body) });
  response.end(answer.body);
}

function fail(response: ServerResponse, error: unknown): void {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`sandbox: ${text}\n`);
  send(response, {
    status: 500,
    headers: { 'content-type': 'text/plain' },
    body: 'The sandbox failed, which is a bug. Its standard error has the details.\n',
  });
}
