import type { DescMethod, DescService, Message, MessageShape } from '@bufbuild/protobuf';
import type { GenService, GenServiceMethods } from '@bufbuild/protobuf/codegenv2';
import type {
  handleServerStreamingCall,
  handleUnaryCall,
  MethodDefinition,
  ServerWritableStream,
  ServiceDefinition,
  UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { type Answer, decode, encode, type WireService, wireDefinition } from '../messages/message_codec.ts';
import type { Call } from './call.ts';
import type { CallPipeline, MethodPipeline } from './call_pipeline.ts';

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

/** From descriptors to grpc-js. Every handler is wrapped: nothing that it throws reaches grpc-js. */
export function adapt<Service extends DescService>(
  service: Service,
  implementation: Implementation<Service>,
  pipeline: CallPipeline,
  stopping: AbortSignal,
): WireService {
  const definition: Record<string, MethodDefinition<Uint8Array, Uint8Array>> = {};
  const handlers: UntypedServiceImplementation = {};
  for (const method of service.methods) {
    definition[method.localName] = wireDefinition(service, method);
    const implement = (implementation as Record<string, Method>)[method.localName];
    if (implement === undefined) throw new Error(`${service.typeName} lacks ${method.name}`);
    const conducted = pipeline(service, method);
    handlers[method.localName] =
      method.methodKind === 'server_streaming'
        ? streaming(method, implement, conducted, stopping)
        : unary(method, implement, conducted);
  }
  return { definition: definition as unknown as ServiceDefinition, handlers };
}

function unary(
  method: DescMethod,
  implement: Method,
  conducted: MethodPipeline,
): handleUnaryCall<Uint8Array, Uint8Array> {
  return (wire, callback) => {
    const underWay = conducted.begin(wire);
    const succeed = (answer: unknown) => {
      let bytes: Uint8Array;
      try {
        bytes = encode(method.output, answer);
      } catch (error) {
        return fail(error);
      }
      underWay.succeed((error) => (error === undefined ? callback(null, bytes) : callback(error)));
    };
    const fail = (error: unknown) => underWay.fail(error, (status) => callback(status));
    let answer: unknown;
    try {
      underWay.authenticate();
      const request = decode(method.input, wire.request);
      const call = underWay.authorize(request);
      answer = implement(request, call);
    } catch (error) {
      return fail(error);
    }
    if (answer instanceof Promise) answer.then(succeed, fail);
    else succeed(answer);
  };
}

function streaming(
  method: DescMethod,
  implement: Method,
  conducted: MethodPipeline,
  stopping: AbortSignal,
): handleServerStreamingCall<Uint8Array, Uint8Array> {
  return async (wire) => {
    const underWay = conducted.begin(wire, { stopping });
    try {
      underWay.authenticate();
      const request = decode(method.input, wire.request);
      const call = underWay.authorize(request);
      for await (const answer of implement(request, call) as AsyncIterable<unknown>) {
        const bytes = encode(method.output, answer);
        await underWay.record();
        if (!(await write(wire, bytes, call.signal()))) break;
      }
    } catch (error) {
      return underWay.fail(error, (status) => wire.emit('error', status));
    }
    underWay.end(() => wire.end());
  };
}

/** False once nobody listens any more. */
export async function write(
  wire: Pick<ServerWritableStream<unknown, Uint8Array>, 'write' | 'once' | 'off'>,
  bytes: Uint8Array,
  signal: AbortSignal,
): Promise<boolean> {
  if (signal.aborted) return false;
  if (wire.write(bytes)) return true;
  await new Promise<void>((resolve) => {
    const go = () => {
      wire.off('drain', go);
      signal.removeEventListener('abort', go);
      resolve();
    };
    wire.once('drain', go);
    signal.addEventListener('abort', go);
  });
  return !signal.aborted;
}
