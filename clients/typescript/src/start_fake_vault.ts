import {
  create,
  type DescMethod,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import {
  type handleServerStreamingCall,
  type handleUnaryCall,
  type Metadata,
  type MethodDefinition,
  Server,
  ServerCredentials,
  type ServerWritableStream,
} from '@grpc/grpc-js';
import type { AccessToken } from './access_token.ts';
import { type FakeFailure, toFakeResult, toFakeStatus } from './fake_failure.ts';
import { createFakeTokenIssuer, type FakeTokenRequest, keyOf } from './fake_token_issuer.ts';
import {
  type BatchGetAccessTokensRequestSchema,
  type BatchGetAccessTokensResponseSchema,
  type GetAccessTokenRequestSchema,
  type GetAccessTokenResponseSchema,
  type GetAppAccessTokenRequestSchema,
  type GetAppAccessTokenResponseSchema,
  TokenService,
  type WatchAccessTokenRequestSchema,
  type WatchAccessTokenResponseSchema,
} from './gen/tokenvault/v1/token_service_pb.ts';

/** A vault on loopback that issues tokens without Entra, for the tests of a program that uses this package. */
export interface FakeVault {
  /** `127.0.0.1:{port}`. */
  readonly address: string;
  /** All requests for a token, the oldest first. That of an app has its name as the connection. */
  readonly requests: readonly FakeTokenRequest[];
  /** The number of requests in each batch, the oldest first. */
  readonly batches: readonly number[];
  /** Issues another token for the connection and scopes, served until it expires, and sends it to those who watch. */
  replaceToken(connection: string, options?: { scopes?: readonly string[] } & Partial<AccessToken>): AccessToken;
  /** Calls fail: for the connection, or for all. Streams of the connection end. */
  fail(failure: FakeFailure, connection?: string): void;
  /** Calls succeed again. */
  recover(): void;
  /** Closes the port: the vault is away. Tokens stay. */
  stop(): void;
  /** Listens on the same port again. */
  restart(): Promise<void>;
  close(): void;
}

type Watcher = ServerWritableStream<
  MessageShape<typeof WatchAccessTokenRequestSchema>,
  MessageInitShape<typeof WatchAccessTokenResponseSchema>
>;

const EVERY_CONNECTION = '';

export async function startFakeVault(options: { readonly now?: () => number } = {}): Promise<FakeVault> {
  const issuer = createFakeTokenIssuer(options.now ?? Date.now);
  const requests: FakeTokenRequest[] = [];
  const batches: number[] = [];
  const failures = new Map<string, FakeFailure>();
  const watchers = new Set<Watcher>();

  function failureOf(connection: string): FakeFailure | undefined {
    const key = failures.has(connection) ? connection : EVERY_CONNECTION;
    const failure = failures.get(key);
    if (failure?.times === undefined) return failure;
    if (failure.times > 1) failures.set(key, { ...failure, times: failure.times - 1 });
    else failures.delete(key);
    return failure;
  }

  function serve(request: Omit<FakeTokenRequest, 'authorization'>, metadata: Metadata) {
    const { connection, scopes, claims, rejectedTokenSha256 } = request;
    const [authorization = ''] = metadata.get('authorization').map(String);
    requests.push({ connection, scopes, claims, rejectedTokenSha256, authorization });
    const failure = failureOf(connection);
    if (failure !== undefined) return { failure };
    return { token: issuer.serve({ connection, scopes, claims, rejectedTokenSha256 }) };
  }

  const getAccessToken: handleUnaryCall<
    MessageShape<typeof GetAccessTokenRequestSchema>,
    MessageInitShape<typeof GetAccessTokenResponseSchema>
  > = ({ request, metadata }, callback) => {
    const served = serve(request, metadata);
    if ('failure' in served) callback(toFakeStatus(served.failure));
    else callback(null, toResponse(served.token));
  };

  const batchGetAccessTokens: handleUnaryCall<
    MessageShape<typeof BatchGetAccessTokensRequestSchema>,
    MessageInitShape<typeof BatchGetAccessTokensResponseSchema>
  > = ({ request, metadata }, callback) => {
    batches.push(request.requests.length);
    const results = request.requests.map((one) => {
      const served = serve(one, metadata);
      return 'failure' in served
        ? { result: { case: 'error', value: toFakeResult(served.failure) } as const }
        : { result: { case: 'token', value: toResponse(served.token) } as const };
    });
    callback(null, { results });
  };

  const getAppAccessToken: handleUnaryCall<
    MessageShape<typeof GetAppAccessTokenRequestSchema>,
    MessageInitShape<typeof GetAppAccessTokenResponseSchema>
  > = ({ request, metadata }, callback) => {
    const { app, resource, directoryId } = request;
    const scopes = [`${resource}/.default`, directoryId];
    const served = serve({ connection: app, scopes, claims: '', rejectedTokenSha256: '' }, metadata);
    if ('failure' in served) callback(toFakeStatus(served.failure));
    else callback(null, { ...toResponse(served.token), resource });
  };

  const watchAccessToken: handleServerStreamingCall<
    MessageShape<typeof WatchAccessTokenRequestSchema>,
    MessageInitShape<typeof WatchAccessTokenResponseSchema>
  > = (call) => {
    const { connection, scopes } = call.request;
    const failure = failureOf(connection);
    if (failure !== undefined) return void call.emit('error', toFakeStatus(failure));
    watchers.add(call);
    call.on('close', () => watchers.delete(call));
    call.write(toResponse(issuer.serve({ connection, scopes, claims: '', rejectedTokenSha256: '' })));
  };

  async function listen(port: number): Promise<{ server: Server; port: number }> {
    // As the vault.
    const server = new Server({ 'grpc.max_receive_message_length': 64 * 1024 });
    const handlers = { getAccessToken, batchGetAccessTokens, getAppAccessToken, watchAccessToken };
    const definitions = TokenService.methods.map((method) => [method.localName, definitionOf(method)]);
    server.addService(Object.fromEntries(definitions), handlers);
    return new Promise((resolve, reject) => {
      server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error, bound) => {
        if (error === null) resolve({ server, port: bound });
        else reject(error);
      });
    });
  }

  let { server, port } = await listen(0);
  return {
    address: `127.0.0.1:${port}`,
    requests,
    batches,
    replaceToken(connection, { scopes = [], ...changes } = {}) {
      const token = issuer.replace(connection, scopes, changes);
      for (const call of watchers)
        if (keyOf(call.request) === keyOf({ connection, scopes })) call.write(toResponse(token));
      return token;
    },
    fail(failure, connection = EVERY_CONNECTION) {
      failures.set(connection, failure);
      for (const call of watchers)
        if (connection === EVERY_CONNECTION || call.request.connection === connection)
          call.emit('error', toFakeStatus(failure));
    },
    recover: () => failures.clear(),
    stop: () => server.forceShutdown(),
    async restart() {
      ({ server, port } = await listen(port));
    },
    close: () => server.forceShutdown(),
  };
}

function toResponse({ token, expiresAt, refreshAt, resource, permissions }: AccessToken) {
  return {
    accessToken: token,
    tokenType: 'Bearer',
    expireTime: timestampFromDate(expiresAt),
    refreshTime: timestampFromDate(refreshAt),
    resource,
    permissions: [...permissions],
  };
}

// biome-ignore lint/suspicious/noExplicitAny: grpc-js has the same types in its definition of a service.
function definitionOf({ parent, name, input, output, methodKind }: DescMethod): MethodDefinition<any, any> {
  return {
    path: `/${parent.typeName}/${name}`,
    requestStream: false,
    responseStream: methodKind === 'server_streaming',
    requestSerialize: (message) => Buffer.from(toBinary(input, create(input, message))),
    requestDeserialize: (bytes) => fromBinary(input, bytes),
    responseSerialize: (message) => Buffer.from(toBinary(output, create(output, message))),
    responseDeserialize: (bytes) => fromBinary(output, bytes),
  };
}
