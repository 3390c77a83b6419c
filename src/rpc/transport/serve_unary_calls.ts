import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { Peer } from './peer_connection.ts';
import { UnaryCall } from './unary_call.ts';
import type { WireService } from './wire_service.ts';

/** Returns false for a call that grpc-js must serve: it is a stream, unknown, compressed, or not gRPC. */
export type ServeUnary = (peer: Peer, stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => boolean;

/**
 * Serves unary calls without the server of grpc-js, which takes a third of the CPU of a cached token
 * (docs/adr/0065-unary-calls-on-node-http2.md). `longest`: bytes of a request message.
 */
export function createUnaryServer(services: readonly WireService[], longest: number): ServeUnary {
  const handlers = new Map(services.flatMap(({ unary }) => [...unary]));
  return (peer, stream, headers) => {
    const handle = handlers.get(headers[':path'] ?? '');
    if (handle === undefined || !isUncompressedGrpc(headers)) return false;
    new UnaryCall(peer, stream, headers, handle, longest);
    return true;
  };
}

function isUncompressedGrpc(headers: IncomingHttpHeaders): boolean {
  const encoding = headers['grpc-encoding'];
  const isUncompressed = encoding === undefined || encoding === 'identity';
  return isUncompressed && headers['content-type']?.startsWith('application/grpc') === true;
}
