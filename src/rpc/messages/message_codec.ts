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
import type { MethodDefinition, ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';
import { fieldInvalid } from '../../model/errors.ts';

/** A service as grpc-js takes it. */
export interface WireService {
  readonly definition: ServiceDefinition;
  readonly handlers: UntypedServiceImplementation;
}

/** A message, or its bytes where they were kept from an earlier answer. */
export type Answer<Output extends DescMessage> = MessageInitShape<Output> | Uint8Array;

/** Unknown fields are dropped: kept ones would be bytes of a stranger in our memory. */
const READ = { readUnknownFields: false } as const;

export function decode(schema: DescMessage, bytes: Uint8Array): Message {
  try {
    return fromBinary(schema, bytes, READ);
  } catch {
    throw fieldInvalid(
      'request',
      `these bytes are no ${schema.typeName}; build the message from the proto files or by reflection`,
    );
  }
}

export function encode(schema: DescMessage, answer: unknown): Uint8Array {
  if (answer instanceof Uint8Array) return answer;
  return toBinary(schema, create(schema, answer as MessageInitShape<DescMessage>));
}

/** Bytes go in and come out, so that a broken message gets a status of ours and a kept answer is sent as it is. */
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
