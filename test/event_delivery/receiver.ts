import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { onTestFinished } from 'vitest';

/** A webhook receiver that verifies signatures. */
export interface Receiver {
  readonly url: string;
  /** Requests with a valid signature, whatever the response. */
  readonly received: Received[];
  /** Number of requests with an invalid signature. */
  forged: number;
  /** Writes the response; 204 by default. */
  answer: (request: Received, response: ServerResponse) => void;
  /** Resolves when this many valid requests have arrived in total. */
  has(count: number): Promise<void>;
}

export interface Received {
  readonly id: string;
  readonly event: Record<string, unknown>;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export async function startReceiver(secret: string, tls?: ServerOptions): Promise<Receiver> {
  const webhook = new Webhook(secret);
  const waiting: { count: number; resolve: () => void }[] = [];
  const server = tls === undefined ? createServer(take) : createTlsServer(tls, take);

  async function take(request: IncomingMessage, response: ServerResponse) {
    let body = '';
    for await (const chunk of request.setEncoding('utf8')) body += chunk;
    const headers = request.headers as Record<string, string>;
    let event: Record<string, unknown>;
    try {
      event = webhook.verify(body, headers) as Record<string, unknown>;
    } catch {
      receiver.forged += 1;
      response.writeHead(401).end();
      return;
    }
    const received = { id: headers['webhook-id'] ?? '', event, headers: request.headers, body };
    receiver.received.push(received);
    for (const one of waiting) if (receiver.received.length >= one.count) one.resolve();
    receiver.answer(received, response);
  }

  const receiver: Receiver = {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${await listen(server)}/events`,
    received: [],
    forged: 0,
    answer: (_, response) => void response.writeHead(204).end(),
    async has(count) {
      if (receiver.received.length < count) await new Promise<void>((resolve) => waiting.push({ count, resolve }));
    },
  };
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return receiver;
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

export const status = (code: number, headers: Record<string, string> = {}) => {
  return (_: Received, response: ServerResponse) => void response.writeHead(code, headers).end();
};
