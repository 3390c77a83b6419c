import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What went over the wire between the vault and Entra's token endpoint, by its name there. */
export interface Overheard {
  readonly kind: string;
  readonly value: string;
}

export interface RecordingEntra {
  readonly url: string;
  readonly overheard: readonly Overheard[];
  close(): Promise<void>;
}

const REQUEST_SECRETS = ['client_secret', 'client_assertion', 'refresh_token', 'code', 'code_verifier'];
const ANSWER_SECRETS = ['access_token', 'refresh_token', 'id_token'];

/** Stands between the vault and the sandbox, and notes each secret that passes: also those that nobody else ever sees. */
export async function startRecordingEntra(sandboxUrl: string): Promise<RecordingEntra> {
  const overheard: Overheard[] = [];
  const server = createServer(async (request, response) => {
    try {
      const body = await bodyOf(request);
      const isToken = new URL(request.url ?? '/', sandboxUrl).pathname.endsWith('/oauth2/v2.0/token');
      if (isToken) {
        const form = new URLSearchParams(body.toString('utf8'));
        for (const kind of REQUEST_SECRETS) note(kind, form.get(kind));
      }
      const answer = await fetch(new URL(request.url ?? '/', sandboxUrl), {
        method: request.method ?? 'GET',
        headers: headersOf(request),
        redirect: 'manual',
        ...(body.length === 0 ? {} : { body: new Uint8Array(body) }),
      });
      const text = await answer.text();
      if (isToken) hear(text);
      response.writeHead(answer.status, passedOn(answer.headers)).end(text);
    } catch {
      response.destroy();
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');

  function note(kind: string, value: unknown): void {
    if (typeof value === 'string' && value !== '') overheard.push({ kind, value });
  }

  function hear(text: string): void {
    try {
      const answer = JSON.parse(text) as Record<string, unknown>;
      for (const kind of ANSWER_SECRETS) note(kind, answer[kind]);
    } catch {
      // An outage page: no secret in it.
    }
  }

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    overheard,
    async close() {
      server.closeAllConnections();
      await once(server.close(), 'close');
    },
  };
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function headersOf(request: IncomingMessage): Record<string, string> {
  const passed = ['content-type', 'accept', 'client-request-id', 'return-client-request-id'];
  return Object.fromEntries(
    passed.flatMap((name) => (request.headers[name] ? [[name, String(request.headers[name])]] : [])),
  );
}

function passedOn(headers: Headers): Record<string, string> {
  const hopByHop = new Set(['content-length', 'transfer-encoding', 'connection', 'keep-alive', 'content-encoding']);
  return Object.fromEntries([...headers].filter(([name]) => !hopByHop.has(name)));
}
