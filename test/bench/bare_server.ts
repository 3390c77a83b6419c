import { type handleUnaryCall, Server, ServerCredentials } from '@grpc/grpc-js';

export interface BareMethod<Request, Answer> {
  readonly requestDeserialize: (bytes: Buffer) => Request;
  readonly responseSerialize: (answer: Answer) => Buffer;
  readonly answer: handleUnaryCall<Request, Answer>;
}

export const BARE_PATH = '/bench.Bare/Answer';

/** One unary method on a free port, which is sent to the parent process. `argv[2]`: bytes of the response message. */
export function serveBare<Request, Answer>(method: (answerBytes: number) => BareMethod<Request, Answer>): void {
  const { requestDeserialize, responseSerialize, answer } = method(Number(process.argv[2]));
  const server = new Server();
  server.addService(
    {
      answer: {
        path: BARE_PATH,
        requestStream: false,
        responseStream: false,
        requestDeserialize,
        requestSerialize: unused,
        responseSerialize,
        responseDeserialize: unused,
      },
    },
    { answer },
  );
  server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
    if (error !== null) throw error;
    process.send?.({ port });
  });
}

/** The client's half of a method definition. */
function unused(): never {
  throw new Error('this server makes no calls');
}
