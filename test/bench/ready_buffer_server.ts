import type { ServerUnaryCall, sendUnaryData } from '@grpc/grpc-js';
import { serveBare } from './bare_server.ts';

/** grpc-js alone: nothing is decoded, and the answer is a buffer that is always there. What no server on grpc-js can beat. */
serveBare((answerBytes) => {
  const ready = Buffer.alloc(answerBytes, 'x');
  return {
    requestDeserialize: (bytes: Buffer) => bytes,
    responseSerialize: (bytes: Buffer) => bytes,
    answer(_call: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>): void {
      callback(null, ready);
    },
  };
});
