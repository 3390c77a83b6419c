import type { ServerUnaryCall, sendUnaryData } from '@grpc/grpc-js';
import { serveBare } from './bare_server.ts';

/** Only grpc-js: nothing is decoded, and the response is a constant buffer. The upper limit of a server on grpc-js. */
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
