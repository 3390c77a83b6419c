import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { StringValueSchema } from '@bufbuild/protobuf/wkt';
import type { ServerUnaryCall, sendUnaryData } from '@grpc/grpc-js';
import {
  type GetAccessTokenRequest,
  GetAccessTokenRequestSchema,
} from '../../src/gen/tokenvault/v1/token_service_pb.ts';
import { serveBare } from './bare_server.ts';

/**
 * The server to compare with: only grpc-js and protobuf-es. It decodes the vault's request and encodes a message with one string,
 * the minimum cost of a response of this size.
 */
serveBare((answerBytes) => {
  const head = encode({ value: 'x'.repeat(answerBytes) }).length - answerBytes;
  const text = 'x'.repeat(answerBytes - head);
  return {
    requestDeserialize: (bytes: Buffer) => fromBinary(GetAccessTokenRequestSchema, bytes),
    responseSerialize: encode,
    answer(
      _call: ServerUnaryCall<GetAccessTokenRequest, { value: string }>,
      callback: sendUnaryData<{ value: string }>,
    ): void {
      callback(null, { value: text });
    },
  };
});

function encode(answer: { value: string }): Buffer {
  const bytes = toBinary(StringValueSchema, create(StringValueSchema, answer));
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
