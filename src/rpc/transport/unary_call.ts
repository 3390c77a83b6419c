import type { IncomingHttpHeaders, OutgoingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { type StatusObject, status } from '@grpc/grpc-js';
import { timeoutOf } from './client_timeout.ts';
import type { Peer } from './peer_connection.ts';
import type { UnaryHandler, UnaryWire } from './unary_handler.ts';

/** Before each message: whether it is compressed (one byte), and its length (four bytes). */
const PREFIX_BYTES = 5;
const EMPTY = Buffer.alloc(0);
/** Of an answer without a message, as of grpc-js. */
const BARE_HEADERS: OutgoingHttpHeaders = { ':status': 200, 'content-type': 'application/grpc+proto' };
const HEADERS: OutgoingHttpHeaders = {
  ...BARE_HEADERS,
  'grpc-accept-encoding': 'identity,deflate,gzip',
  'grpc-encoding': 'identity',
};
const TRAILERS: OutgoingHttpHeaders = { 'grpc-status': '0', 'grpc-message': 'OK' };
const WITH_TRAILERS = { waitForTrailers: true };
const WITHOUT_BODY = { endStream: true };

/**
 * A unary call without compression, on a stream of node:http2. It has the members of a call of grpc-js that handlers
 * use. https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
 */
export class UnaryCall implements UnaryWire {
  readonly metadata: RequestMetadata;
  /** The request message, when the handler is called. */
  request: Uint8Array = EMPTY;

  readonly #stream: ServerHttp2Stream;
  readonly #peer: Peer;
  readonly #deadline: number;
  readonly #timer: NodeJS.Timeout | undefined;
  /** The first chunk has the whole prefix, once `#length` is known. */
  #chunks: Buffer[] = [];
  #received = 0;
  /** Bytes of the message. */
  #length: number | undefined = undefined;
  #isAnswered = false;
  #isCancelled = false;
  #listeners: (() => void)[] | undefined = undefined;

  /** Calls `handle` when the request is complete. `longest`: bytes of a request message. */
  constructor(
    peer: Peer,
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    handle: UnaryHandler,
    longest: number,
  ) {
    this.metadata = new RequestMetadata(headers);
    this.#stream = stream;
    this.#peer = peer;
    const timeout = timeoutOf(headers);
    this.#deadline = timeout === undefined ? Number.POSITIVE_INFINITY : Date.now() + timeout;
    this.#timer = timeout === undefined ? undefined : setTimeout(() => this.#expire(), timeout);
    stream.on('data', (chunk: Buffer) => this.#receive(chunk, longest));
    stream.on('end', () => this.#complete(handle));
    stream.on('close', () => this.#cancel());
    // `close` follows.
    stream.on('error', ignore);
  }

  getPeer(): string {
    return this.#peer.connection;
  }

  getAuthContext(): ReturnType<Peer['getAuthContext']> {
    return this.#peer.getAuthContext();
  }

  /** In milliseconds since 1970; infinity without a deadline. */
  getDeadline(): number {
    return this.#deadline;
  }

  get cancelled(): boolean {
    return this.#isCancelled || this.#stream.destroyed || this.#stream.closed;
  }

  /** Each listener is called when the call ends, with or without an answer. */
  on(_event: 'cancelled', listener: () => void): void {
    this.#listeners ??= [];
    this.#listeners.push(listener);
  }

  #receive(chunk: Buffer, longest: number): void {
    if (this.#isAnswered) return;
    this.#chunks.push(chunk);
    this.#received += chunk.length;
    if (this.#length === undefined && this.#received >= PREFIX_BYTES) {
      this.#chunks = [joined(this.#chunks)];
      this.#length = this.#chunks[0]?.readUInt32BE(1) ?? 0;
    }
    if (this.#length === undefined) return;
    if (this.#length > longest)
      this.#fail(
        status.RESOURCE_EXHAUSTED,
        `The request message has ${this.#length} bytes. At most ${longest} are allowed.`,
      );
    else if (this.#received > PREFIX_BYTES + this.#length)
      this.#fail(status.UNIMPLEMENTED, 'The request of a unary call has more than one message.');
  }

  #complete(handle: UnaryHandler): void {
    if (this.#isAnswered || this.cancelled) return;
    const body = joined(this.#chunks);
    if (this.#received === 0) this.#fail(status.UNIMPLEMENTED, 'The request of a unary call has no message.');
    else if (this.#length === undefined || this.#received < PREFIX_BYTES + this.#length)
      this.#fail(status.INTERNAL, 'The request ends within its message.');
    else if (body[0] !== 0)
      this.#fail(status.INTERNAL, 'The request message is compressed, but `grpc-encoding` names no compression.');
    else this.#handle(handle, body.subarray(PREFIX_BYTES));
  }

  #handle(handle: UnaryHandler, request: Uint8Array): void {
    this.request = request;
    try {
      handle(this, (error, response) => this.#respond(error, response));
    } catch {
      this.#fail(status.INTERNAL, 'Unexpected error inside the vault.');
    }
  }

  #respond(error: Partial<StatusObject> | null, response: Uint8Array | undefined): void {
    if (this.#isAnswered || this.cancelled) return;
    this.#isAnswered = true;
    this.#chunks = [];
    clearTimeout(this.#timer);
    if (error === null) {
      this.#stream.respond(HEADERS, WITH_TRAILERS);
      this.#stream.on('wantTrailers', sendTrailers);
      this.#stream.end(prefixed(response ?? EMPTY));
      return;
    }
    const { code = status.UNKNOWN, details = '', metadata } = error;
    const trailers = { 'grpc-status': code, 'grpc-message': encodeURI(details), ...metadata?.toHttp2Headers() };
    this.#stream.respond({ ...BARE_HEADERS, ...trailers }, WITHOUT_BODY);
  }

  #fail(code: status, details: string): void {
    this.#respond({ code, details }, undefined);
  }

  #expire(): void {
    this.#fail(status.DEADLINE_EXCEEDED, 'The deadline passed.');
    this.#cancel();
  }

  #cancel(): void {
    if (this.#isCancelled) return;
    this.#isCancelled = true;
    clearTimeout(this.#timer);
    for (const listener of this.#listeners ?? []) listener();
  }
}

/** The headers of a request, with the method of grpc-js's `Metadata` that reads them. */
class RequestMetadata {
  readonly #headers: IncomingHttpHeaders;

  constructor(headers: IncomingHttpHeaders) {
    this.#headers = headers;
  }

  get(name: string): readonly string[] {
    const value = this.#headers[name];
    if (value === undefined) return [];
    return typeof value === 'string' ? [value] : value;
  }
}

function sendTrailers(this: ServerHttp2Stream): void {
  this.sendTrailers(TRAILERS);
}

function prefixed(message: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(PREFIX_BYTES + message.length);
  frame[0] = 0;
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, PREFIX_BYTES);
  return frame;
}

function joined(chunks: Buffer[]): Buffer {
  return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
}

function ignore(): void {}
