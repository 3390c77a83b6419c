import {
  create,
  type DescMessage,
  type DescMethod,
  type DescService,
  fromBinary,
  type Message,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import type { GenService, GenServiceMethods } from '@bufbuild/protobuf/codegenv2';
import type {
  handleServerStreamingCall,
  handleUnaryCall,
  MethodDefinition,
  ServerWritableStream,
  ServiceDefinition,
  UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { fieldInvalid } from '../model/errors.ts';
import type { Call } from './call.ts';
import type { Conduct, Conducted } from './conduct.ts';

/** A message, or its bytes where they were kept from an earlier answer. */
export type Answer<Output extends DescMessage> = MessageInitShape<Output> | Uint8Array;

/** What a service must implement, by its descriptor. An answer that is no promise costs none. */
export type Implementation<Service> =
  Service extends GenService<infer Methods extends GenServiceMethods>
    ? {
        readonly [Name in keyof Methods]: Methods[Name]['methodKind'] extends 'server_streaming'
          ? (
              request: MessageShape<Methods[Name]['input']>,
              call: Call,
            ) => AsyncIterable<Answer<Methods[Name]['output']>>
          : (
              request: MessageShape<Methods[Name]['input']>,
              call: Call,
            ) => Answer<Methods[Name]['output']> | Promise<Answer<Methods[Name]['output']>>;
      }
    : never;

type Method = (request: Message, call: Call) => unknown;

/**
 * From descriptors to grpc-js: bytes go in and come out, so that a broken message gets a status of ours and a kept
 * answer is sent as it is. Every handler is wrapped: nothing that it throws reaches grpc-js.
 */
export function adapt<Service extends DescService>(
  service: Service,
  implementation: Implementation<Service>,
  conduct: Conduct,
): { definition: ServiceDefinition; handlers: UntypedServiceImplementation } {
  const definition: Record<string, MethodDefinition<Uint8Array, Uint8Array>> = {};
  const handlers: UntypedServiceImplementation = {};
  for (const method of service.methods) {
    definition[method.localName] = wireDefinition(service, method);
    const implement = (implementation as Record<string, Method>)[method.localName];
    if (implement === undefined) throw new Error(`${service.typeName} lacks ${method.name}`);
    const conducted = conduct(service, method);
    handlers[method.localName] =
      method.methodKind === 'server_streaming'
        ? streaming(method, implement, conducted)
        : unary(method, implement, conducted);
  }
  return { definition: definition as unknown as ServiceDefinition, handlers };
}

function unary(method: DescMethod, implement: Method, conducted: Conducted): handleUnaryCall<Uint8Array, Uint8Array> {
  return (wire, callback) => {
    const finish = conducted.begin(wire);
    const succeed = (answer: unknown) => {
      let bytes: Uint8Array;
      try {
        bytes = encode(method.output, answer);
      } catch (error) {
        return fail(error);
      }
      finish.succeed((error) => (error === undefined ? callback(null, bytes) : callback(error)));
    };
    const fail = (error: unknown) => finish.fail(error, (status) => callback(status));
    try {
      const request = decode(method.input, wire.request);
      const call = finish.admit(wire, request);
      const answer = implement(request, call);
      if (answer instanceof Promise) answer.then(succeed, fail);
      else succeed(answer);
    } catch (error) {
      fail(error);
    }
  };
}

function streaming(
  method: DescMethod,
  implement: Method,
  conducted: Conducted,
): handleServerStreamingCall<Uint8Array, Uint8Array> {
  return async (wire) => {
    const finish = conducted.begin(wire, true);
    try {
      const request = decode(method.input, wire.request);
      const call = finish.admit(wire, request);
      for await (const answer of implement(request, call) as AsyncIterable<unknown>) {
        await finish.record();
        if (!(await write(wire, encode(method.output, answer), call.signal()))) break;
      }
      finish.end(() => wire.end());
    } catch (error) {
      finish.fail(error, (status) => wire.destroy(Object.assign(new Error(status.details), status)));
    }
  };
}

/** False once nobody listens any more. */
async function write(
  wire: ServerWritableStream<unknown, Uint8Array>,
  bytes: Uint8Array,
  signal: AbortSignal,
): Promise<boolean> {
  if (signal.aborted) return false;
  if (wire.write(bytes)) return true;
  await new Promise<void>((resolve) => {
    wire.once('drain', resolve);
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  return !signal.aborted;
}

/** Unknown fields are dropped: kept ones would be bytes of a stranger in our memory. */
const READ = { readUnknownFields: false } as const;

function decode(schema: DescMessage, bytes: Uint8Array): Message {
  try {
    return fromBinary(schema, bytes, READ);
  } catch {
    throw fieldInvalid(
      'request',
      `these bytes are no ${schema.typeName}; build the message from the proto files or by reflection`,
    );
  }
}

function encode(schema: DescMessage, answer: unknown): Uint8Array {
  if (answer instanceof Uint8Array) return answer;
  return toBinary(schema, create(schema, answer as MessageInitShape<DescMessage>));
}

function wireDefinition(service: DescService, method: DescMethod): MethodDefinition<Uint8Array, Uint8Array> {
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
