import type { DescMethod, DescService, Message, MessageShape } from '@bufbuild/protobuf';
import type { GenService, GenServiceMethods } from '@bufbuild/protobuf/codegenv2';
import {
  type handleBidiStreamingCall,
  type handleServerStreamingCall,
  type MethodDefinition,
  type ServiceDefinition,
  type StatusObject,
  status,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { isVaultError } from '../../model/errors.ts';
import { decode, encode, type ResponseMessage, wireDefinition } from '../messages/message_codec.ts';
import type { UnaryHandler } from '../transport/unary_handler.ts';
import type { WireService } from '../transport/wire_service.ts';
import { write } from './authenticated_service_adapter.ts';

/** A service without authentication and audit. Its errors are gRPC statuses without a reason of the vault. */
export type PlainImplementation<Service> =
  Service extends GenService<infer Methods extends GenServiceMethods>
    ? {
        readonly [Name in keyof Methods]: Methods[Name]['methodKind'] extends 'server_streaming'
          ? (
              request: MessageShape<Methods[Name]['input']>,
              signal: AbortSignal,
            ) => AsyncIterable<ResponseMessage<Methods[Name]['output']>>
          : (request: MessageShape<Methods[Name]['input']>) => ResponseMessage<Methods[Name]['output']>;
      }
    : never;

type UnaryMethod = (request: Message) => unknown;
type StreamingMethod = (request: Message, signal: AbortSignal) => AsyncIterable<unknown>;

/** Each request of a bidirectional stream gets one response, in order, until `stopping` aborts. */
export function adaptPlain<Service extends DescService>(
  service: Service,
  implementation: PlainImplementation<Service>,
  stopping: AbortSignal,
): WireService {
  const definition: Record<string, MethodDefinition<Uint8Array, Uint8Array>> = {};
  const handlers: UntypedServiceImplementation = {};
  const unaryHandlers = new Map<string, UnaryHandler>();
  for (const method of service.methods) {
    const implement = (implementation as Record<string, unknown>)[method.localName];
    const wire = wireDefinition(service, method);
    definition[method.localName] = wire;
    if (method.methodKind === 'unary') {
      const handler = unary(method, implement as UnaryMethod);
      handlers[method.localName] = handler;
      unaryHandlers.set(wire.path, handler);
    } else {
      handlers[method.localName] =
        method.methodKind === 'server_streaming'
          ? serverStreaming(method, implement as StreamingMethod)
          : bidi(method, implement as UnaryMethod, stopping);
    }
  }
  return { definition: definition as unknown as ServiceDefinition, handlers, unary: unaryHandlers };
}

function unary(method: DescMethod, implement: UnaryMethod): UnaryHandler {
  return (wire, callback) => {
    let response: Uint8Array;
    try {
      response = encode(method.output, implement(decode(method.input, wire.request)));
    } catch (error) {
      return callback(plainStatus(error));
    }
    callback(null, response);
  };
}

function serverStreaming(
  method: DescMethod,
  implement: StreamingMethod,
): handleServerStreamingCall<Uint8Array, Uint8Array> {
  return async (wire) => {
    const cancelled = new AbortController();
    wire.on('cancelled', () => cancelled.abort());
    try {
      const request = decode(method.input, wire.request);
      for await (const response of implement(request, cancelled.signal)) {
        if (!(await write(wire, encode(method.output, response), cancelled.signal))) break;
      }
    } catch (error) {
      wire.emit('error', plainStatus(error));
      return;
    }
    wire.end();
  };
}

function bidi(
  method: DescMethod,
  implement: UnaryMethod,
  stopping: AbortSignal,
): handleBidiStreamingCall<Uint8Array, Uint8Array> {
  return (wire) => {
    wire.on('data', (bytes: Uint8Array) => {
      if (wire.writableEnded) return;
      try {
        // Backpressure: responses are not buffered for a caller that does not read them.
        if (!wire.write(encode(method.output, implement(decode(method.input, bytes))))) {
          wire.pause();
          wire.once('drain', () => wire.resume());
        }
      } catch (error) {
        wire.emit('error', plainStatus(error));
      }
    });
    const end = () => void wire.end();
    wire.on('end', end);
    stopping.addEventListener('abort', end);
    // grpc-js fires it at the end of each call.
    wire.on('cancelled', () => stopping.removeEventListener('abort', end));
    if (stopping.aborted) end();
  };
}

/** An error with a gRPC status, to be thrown by a plain implementation. */
export function plainError(code: status, details: string): Error {
  return Object.assign(new Error(details), { code, details });
}

function plainStatus(error: unknown): Partial<StatusObject> {
  if (isVaultError(error)) return { code: status.INVALID_ARGUMENT, details: error.message };
  if (error instanceof Error && 'code' in error && 'details' in error)
    return { code: error.code as status, details: String(error.details).toWellFormed() };
  return { code: status.INTERNAL, details: 'Unexpected error inside the vault.' };
}
