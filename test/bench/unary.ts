import { connect } from 'node:http2';
import {
  create,
  type DescMessage,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import { grpcFrame, methodPath, readGrpcFrame } from './grpc_frame.ts';
import { originOf, type Target } from './load.ts';
import { requestHeaders } from './load_client.ts';

export interface UnaryClient {
  call<Input extends DescMessage, Output extends DescMessage>(
    method: DescMethodUnary<Input, Output>,
    request: MessageInitShape<Input>,
  ): Promise<MessageShape<Output>>;
  close(): void;
}

/** Calls on one connection, to set up a vault, not for load. */
export function createUnaryClient(server: Pick<Target, 'port' | 'tls' | 'apiKey'>): UnaryClient {
  const { apiKey } = server;
  const session = connect(originOf(server), server.tls);
  session.on('error', () => {});
  return {
    call(method, request) {
      return new Promise((resolve, reject) => {
        const stream = session.request(requestHeaders({ path: methodPath(method), apiKey }));
        const chunks: Buffer[] = [];
        let end: Record<string, unknown> = {};
        stream.on('response', (headers) => {
          end = headers;
        });
        stream.on('trailers', (trailers) => {
          end = trailers;
        });
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
        stream.on('error', reject);
        stream.on('close', () => {
          const message = readGrpcFrame(Buffer.concat(chunks));
          if (end['grpc-status'] === '0' && message !== undefined) return resolve(fromBinary(method.output, message));
          reject(new Error(`${method.name}: ${decodeURIComponent(String(end['grpc-message'] ?? 'no answer'))}`));
        });
        stream.end(grpcFrame(toBinary(method.input, create(method.input, request))));
      });
    },
    close: () => session.close(),
  };
}
