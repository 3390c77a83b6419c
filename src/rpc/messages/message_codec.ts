import {
  create,
  type DescMessage,
  type DescMethod,
  type DescService,
  fromBinary,
  type Message,
  type MessageInitShape,
  toBinary,
} from '@bufbuild/protobuf';
import type { MethodDefinition } from '@grpc/grpc-js';
import { fieldInvalid } from '../../model/errors.ts';

/** A message, or its cached bytes. */
export type ResponseMessage<Output extends DescMessage> = MessageInitShape<Output> | Uint8Array;

/** Unknown protobuf fields are discarded, so that callers cannot make the vault retain arbitrary data. */
const READ = { readUnknownFields: false } as const;

export function decode(schema: DescMessage, bytes: Uint8Array): Message {
  try {
    return fromBinary(schema, bytes, READ);
  } catch {
    throw fieldInvalid(
      'request',
      `Cannot decode the request as ${schema.typeName}. Use the published .proto files or server reflection.`,
    );
  }
}

export function encode(schema: DescMessage, response: unknown): Uint8Array {
  if (response instanceof Uint8Array) return response;
  return toBinary(schema, create(schema, response as MessageInitShape<DescMessage>));
}

/**
 * grpc-js passes bytes through, so that malformed messages get a status of the vault and cached responses are sent as
 * they are.
 */
export function wireDefinition(service: DescService, method: DescMethod): MethodDefinition<Uint8Array, Uint8Array> {
  return {
    path: `/${service.typeName}/${method.name}`,
    requestStream: method.methodKind === 'client_streaming' || method.methodKind === 'bidi_streaming',
    responseStream: method.methodKind === 'server_streaming' || method.methodKind === 'bidi_streaming',
    requestSerialize: asBuffer,
    requestDeserialize: asIs,
    responseSerialize: asBuffer,
    responseDeserialize: asIs,
  };
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function asIs(bytes: Buffer): Uint8Array {
  return bytes;
}
