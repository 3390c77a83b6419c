import { type ClientHttp2Session, connect, constants, type IncomingHttpHeaders } from 'node:http2';

/** What a call brought back. */
export interface GrpcResponse {
  /** Undefined: the stream ended without a gRPC status. */
  readonly code: number | undefined;
  readonly httpStatus: number | undefined;
  readonly message: string;
  readonly details: Buffer;
  /** The messages, without the prefix of their length. */
  readonly messages: readonly Buffer[];
  /** All headers, trailers and bytes, in latin1. */
  readonly text: string;
  /** An error code of HTTP/2, or of the connection. */
  readonly failure: string | undefined;
}

export interface GrpcCall {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly messages: readonly Uint8Array[];
  /** Cancels the call after the first response message, or at once. */
  readonly reading: 'all' | 'first' | 'nothing';
}

/** Idle for so long, a call hangs. No call of the vault lasts longer than 15 s. */
const LONGEST_WAIT = 90_000;
/** The failure of such a call. */
export const NO_RESPONSE = 'no response';

/** Calls one listener over HTTP/2, since grpc-js would refuse to send most of what is fuzzed. */
export function createGrpcCaller(address: string) {
  let session: ClientHttp2Session | undefined;

  function connected(): ClientHttp2Session {
    if (session === undefined || session.closed || session.destroyed) {
      session = connect(`http://${address}`);
      session.on('error', () => undefined);
    }
    return session;
  }

  return {
    call({ path, headers, messages, reading }: GrpcCall): Promise<GrpcResponse> {
      const required = { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' };
      const stream = connected().request({ ...required, ...headers });
      const parts: Buffer[] = [];
      let received: IncomingHttpHeaders = {};
      let text = '';
      let failure: string | undefined;
      const note = (more: IncomingHttpHeaders) => {
        received = { ...received, ...more };
        text += JSON.stringify(more);
      };
      stream.on('response', note).on('trailers', note);
      stream.on('data', (part: Buffer) => {
        parts.push(part);
        if (reading === 'first') stream.close(constants.NGHTTP2_CANCEL);
      });
      stream.on('error', (error: NodeJS.ErrnoException) => {
        failure = `${error.code} ${error.message}`;
      });
      for (const message of messages) {
        const prefix = Buffer.alloc(5);
        prefix.writeUInt32BE(message.length, 1);
        stream.write(Buffer.concat([prefix, message]));
      }
      stream.end();
      if (reading === 'nothing') stream.close(constants.NGHTTP2_CANCEL);
      stream.setTimeout(LONGEST_WAIT, () => stream.destroy(new Error(NO_RESPONSE)));
      return new Promise((resolve) => {
        stream.on('close', () => {
          const { 'grpc-status': status, ':status': httpStatus, 'grpc-message': message } = received;
          const data = Buffer.concat(parts);
          resolve({
            code: status === undefined ? undefined : Number(status),
            httpStatus: httpStatus as number | undefined,
            message: String(message ?? ''),
            details: Buffer.from(String(received['grpc-status-details-bin'] ?? ''), 'base64'),
            messages: unframed(data),
            text: text + data.toString('latin1'),
            failure,
          });
        });
      });
    },
    /**
     * Later calls use another connection. Node 24.21.0 counts the bodies of cancelled requests as memory of their
     * connection until it is closed, and at 16 MB refuses further calls on it with ENHANCE_YOUR_CALM.
     */
    renew() {
      session?.close();
      session = undefined;
    },
    close: () => session?.destroy(),
  };
}

function unframed(data: Buffer): Buffer[] {
  const messages: Buffer[] = [];
  for (let at = 0; at + 5 <= data.length; ) {
    const end = at + 5 + data.readUInt32BE(at + 1);
    if (end <= data.length) messages.push(data.subarray(at + 5, end));
    at = end;
  }
  return messages;
}
