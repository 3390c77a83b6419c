import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { type handleUnaryCall, Server, ServerCredentials } from '@grpc/grpc-js';
import { Health, HealthCheckResponseSchema } from '../../src/gen/grpc/health/v1/health_pb.ts';
import {
  ConnectionService,
  ImportConnectionRequestSchema,
  ImportConnectionResponseSchema,
} from '../../src/gen/tokenvault/v1/connection_service_pb.ts';
import { methodPath } from './grpc_frame.ts';

/**
 * The echo server for an import: decodes the same requests from the same program, and returns a connection with that name.
 * Nothing is stored.
 */
const server = new Server();
server.addService(
  {
    import: definition(methodPath(ConnectionService.method.importConnection)),
    check: definition(methodPath(Health.method.check)),
  },
  {
    import: ((call, answer) => {
      const { connection, scopes } = fromBinary(ImportConnectionRequestSchema, call.request);
      const message = create(ImportConnectionResponseSchema, { connection: { name: connection, scopes } });
      answer(null, Buffer.from(toBinary(ImportConnectionResponseSchema, message)));
    }) satisfies handleUnaryCall<Buffer, Buffer>,
    check: ((_call, answer) => {
      const message = create(HealthCheckResponseSchema, { status: 1 });
      answer(null, Buffer.from(toBinary(HealthCheckResponseSchema, message)));
    }) satisfies handleUnaryCall<Buffer, Buffer>,
  },
);
server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) throw error;
  process.send?.({ port });
});

function definition(path: string) {
  const asItIs = (bytes: Buffer) => bytes;
  return {
    path,
    requestStream: false,
    responseStream: false,
    requestDeserialize: asItIs,
    requestSerialize: asItIs,
    responseSerialize: asItIs,
    responseDeserialize: asItIs,
  };
}
