import type { DescMethod, DescService, Message, MessageShape } from '@bufbuild/protobuf';
import type { GenService, GenServiceMethods } from '@bufbuild/protobuf/codegenv2';
import type {
  handleServerStreamingCall,
  MethodDefinition,
  ServerWritableStream,
  ServiceDefinition,
  UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { decode, encode, type ResponseMessage, wireDefinition } from '../messages/message_codec.ts';
import type { Respond, UnaryHandler } from '../transport/unary_handler.ts';
import type { WireService } from '../transport/wire_service.ts';
import type { BatchCall, Call } from './call_context.ts';
import type { CallInProgress } from './call_in_progress.ts';
import type { CallPipeline, MethodPipeline } from './call_pipeline.ts';

/** Implementation of a service, by its descriptor. A method may return its response without a promise, for speed. */
export type Implementation<Service> =
  Service extends GenService<infer Methods extends GenServiceMethods>
    ? {
        readonly [Name in keyof Methods]: (
          request: MessageShape<Methods[Name]['input']>,
          call: CallOf<MessageShape<Methods[Name]['input']>>,
        ) => Methods[Name]['methodKind'] extends 'server_streaming'
          ? AsyncIterable<ResponseMessage<Methods[Name]['output']>>
          : ResponseMessage<Methods[Name]['output']> | Promise<ResponseMessage<Methods[Name]['output']>>;
      }
    : never;

/** AIP-231: the requests of a batch are in its field `requests`. */
type CallOf<Request> = Request extends { readonly requests: readonly Message[] } ? BatchCall : Call;

type Method = (request: Message, call: Call) => unknown;

/** Adapts a service to grpc-js. Errors of handlers never reach grpc-js. */
export function adapt<Service extends DescService>(
  service: Service,
  implementation: Implementation<Service>,
  pipeline: CallPipeline,
  stopping: AbortSignal,
): WireService {
  const definition: Record<string, MethodDefinition<Uint8Array, Uint8Array>> = {};
  const handlers: UntypedServiceImplementation = {};
  const unaryHandlers = new Map<string, UnaryHandler>();
  for (const method of service.methods) {
    const wire = wireDefinition(service, method);
    definition[method.localName] = wire;
    const implement = (implementation as Record<string, Method>)[method.localName];
    if (implement === undefined) throw new Error(`${service.typeName} lacks ${method.name}`);
    const methodPipeline = pipeline(service, method);
    if (method.methodKind === 'server_streaming') {
      handlers[method.localName] = streaming(method, implement, methodPipeline, stopping);
    } else {
      const handler = unary(method, implement, methodPipeline);
      handlers[method.localName] = handler;
      unaryHandlers.set(wire.path, handler);
    }
  }
  return { definition: definition as unknown as ServiceDefinition, handlers, unary: unaryHandlers };
}

function unary(method: DescMethod, implement: Method, methodPipeline: MethodPipeline): UnaryHandler {
  // Functions of all calls: closures of each call would cost more than what they do.
  function run(request: Uint8Array, call: CallInProgress, respond: Respond): void {
    let response: unknown;
    try {
      const message = decode(method.input, request);
      call.authorize(message);
      response = call.runInSpan(implement, message);
    } catch (error) {
      call.fail(error, respond);
      return;
    }
    if (response instanceof Promise)
      response.then(
        (made) => complete(made, call, respond),
        (error) => call.fail(error, respond),
      );
    else complete(response, call, respond);
  }

  function complete(response: unknown, call: CallInProgress, respond: Respond): void {
    let bytes: Uint8Array;
    try {
      bytes = encode(method.output, response);
    } catch (error) {
      call.fail(error, respond);
      return;
    }
    call.complete((error) => (error === undefined ? respond(null, bytes) : respond(error)));
  }

  return (wire, respond) => {
    const call = methodPipeline.start(wire);
    let authenticated: void | Promise<void>;
    try {
      authenticated = call.authenticate();
    } catch (error) {
      return call.fail(error, respond);
    }
    if (authenticated instanceof Promise)
      authenticated.then(
        () => run(wire.request, call, respond),
        (error) => call.fail(error, respond),
      );
    else run(wire.request, call, respond);
  };
}

function streaming(
  method: DescMethod,
  implement: Method,
  methodPipeline: MethodPipeline,
  stopping: AbortSignal,
): handleServerStreamingCall<Uint8Array, Uint8Array> {
  return async (wire) => {
    const call = methodPipeline.startStream(wire, stopping);
    async function serve(request: Message): Promise<void> {
      for await (const response of implement(request, call) as AsyncIterable<unknown>) {
        const bytes = encode(method.output, response);
        await call.recordMessage();
        if (!(await write(wire, bytes, call.signal()))) break;
      }
    }
    try {
      await call.authenticate();
      const request = decode(method.input, wire.request);
      call.authorize(request);
      await call.runInSpan(serve, request);
      call.checkAccess();
    } catch (error) {
      return call.fail(error, (status) => wire.emit('error', status));
    }
    call.endStream(() => wire.end());
  };
}

/** False if the call was cancelled. */
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
