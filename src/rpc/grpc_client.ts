import {
  create,
  type DescMessage,
  type DescMethod,
  type DescService,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import type { GenService, GenServiceMethods } from '@bufbuild/protobuf/codegenv2';
import { ChannelCredentials, type ChannelOptions, Client as GrpcClient, Metadata } from '@grpc/grpc-js';
import type { Duration } from '../model/clock.ts';
import { isLoopbackAddress } from '../model/listen_address.ts';
import { toRpcError } from './client_rpc_error.ts';

export { RpcError } from './client_rpc_error.ts';

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** Deadline. Default: 30 s for a unary call, none for a stream. */
  readonly timeout?: Duration | undefined;
}

export type Client<Service> =
  Service extends GenService<infer Methods extends GenServiceMethods>
    ? {
        readonly [Name in keyof Methods]: (
          request: MessageInitShape<Methods[Name]['input']>,
          options?: CallOptions,
        ) => Methods[Name]['methodKind'] extends 'server_streaming'
          ? AsyncIterable<MessageShape<Methods[Name]['output']>>
          : Promise<MessageShape<Methods[Name]['output']>>;
      } & { close(): void }
    : never;

export interface ClientOptions {
  /** `tv1_…` */
  readonly apiKey?: string | undefined;
  /** Default: plaintext. */
  readonly credentials?: ChannelCredentials | undefined;
  readonly channel?: ChannelOptions | undefined;
}

const DEFAULT_TIMEOUT: Duration = 30_000;

/** A typed client of one service, by its descriptor. Failures are `RpcError`s. Must be closed. */
export function createClient<Service extends DescService>(
  service: Service,
  address: string,
  { apiKey, credentials = ChannelCredentials.createInsecure(), channel = {} }: ClientOptions = {},
): Client<Service> {
  const client = new GrpcClient(address, credentials, { ...withoutProxy(address), ...channel });
  const metadata = new Metadata();
  if (apiKey !== undefined) metadata.set('authorization', `Bearer ${apiKey}`);
  const methods: Record<string, unknown> = { close: () => client.close() };
  for (const method of service.methods) {
    const path = `/${service.typeName}/${method.name}`;
    if (method.methodKind === 'unary') methods[method.localName] = unary(client, path, method, metadata);
    if (method.methodKind === 'server_streaming') methods[method.localName] = streaming(client, path, method, metadata);
  }
  return methods as Client<Service>;
}

/** A proxy (`https_proxy`) would see plaintext API keys and refresh tokens, or could not reach loopback. */
function withoutProxy(address: string): ChannelOptions {
  return isLoopbackAddress(address) ? { 'grpc.enable_http_proxy': 0 } : {};
}

function unary(client: GrpcClient, path: string, method: DescMethod, metadata: Metadata) {
  return (request: MessageInitShape<DescMessage>, options: CallOptions = {}) =>
    new Promise((resolve, reject) => {
      const call = client.makeUnaryRequest(
        path,
        serialize(method.input),
        deserialize(method.output),
        request,
        metadata.clone(),
        { deadline: Date.now() + (options.timeout ?? DEFAULT_TIMEOUT) },
        (error, response) => {
          release();
          if (error === null) resolve(response);
          else reject(toRpcError(error));
        },
      );
      const release = cancelOnAbort(call, options.signal);
    });
}

/** Returns the function that removes the listener. */
function cancelOnAbort(call: { cancel(): void }, signal: AbortSignal | undefined): () => void {
  const cancel = () => call.cancel();
  if (signal?.aborted === true) cancel();
  signal?.addEventListener('abort', cancel, { once: true });
  return () => signal?.removeEventListener('abort', cancel);
}

function streaming(client: GrpcClient, path: string, method: DescMethod, metadata: Metadata) {
  return async function* (request: MessageInitShape<DescMessage>, options: CallOptions = {}) {
    const deadline = options.timeout === undefined ? {} : { deadline: Date.now() + options.timeout };
    const call = client.makeServerStreamRequest(
      path,
      serialize(method.input),
      deserialize(method.output),
      request,
      metadata.clone(),
      deadline,
    );
    const release = cancelOnAbort(call, options.signal);
    try {
      for await (const response of call) yield response;
    } catch (error) {
      throw toRpcError(error);
    } finally {
      release();
      // After a cancel, grpc-js emits an error that has no other listener.
      call.on('error', () => undefined);
      call.cancel();
    }
  };
}

function serialize(schema: DescMessage) {
  return (message: MessageInitShape<DescMessage>) => Buffer.from(toBinary(schema, create(schema, message)));
}

function deserialize(schema: DescMessage) {
  return (bytes: Buffer) => fromBinary(schema, bytes);
}
