import { type ClientHttp2Session, connect } from 'node:http2';
import { create, toBinary } from '@bufbuild/protobuf';
import { ConnectionService, VerifyConnectionRequestSchema } from '../../src/gen/tokenvault/v1/connection_service_pb.ts';
import { BARE_PATH } from './bare_server.ts';
import { connectionAt } from './filled_vault.ts';
import { grpcFrame, methodPath } from './grpc_frame.ts';
import { requestHeaders } from './load_client.ts';
import { GET_ACCESS_TOKEN, requestFrame } from './vault_process.ts';

/** Calls of one caller at a fixed rate, whatever the answers, to connections in turn. */
export interface PacedRun {
  readonly port: number;
  readonly apiKey: string;
  readonly perSecond: number;
  readonly seconds: number;
  /** `get`: GetAccessToken. `verify`: VerifyConnection. `echo`: the request of GetAccessToken, to a bare server. */
  readonly call: keyof typeof PATHS;
  readonly connections: { readonly first: number; readonly count: number };
  readonly minTtlSeconds?: number;
}

export interface PacedResult {
  /** Answers by `grpc-status`. */
  readonly statuses: Readonly<Record<string, number>>;
  /** Microseconds of each good answer. */
  readonly latencies: readonly number[];
}

const PATHS = {
  get: GET_ACCESS_TOKEN,
  verify: methodPath(ConnectionService.method.verifyConnection),
  echo: BARE_PATH,
} as const;

/** Beyond it, calls are not sent. */
const MOST_OUTSTANDING = 500;

/** A process of its own, so that the load of one caller does not delay the measurement of another one. */
process.on('message', (message: { run?: PacedRun }) => {
  if (message.run !== undefined) void run(message.run).then((result) => process.send?.({ result }));
});
process.channel?.ref();
process.send?.({ ready: true });

let next = 0;

async function run(options: PacedRun): Promise<PacedResult> {
  const session = connect(`http://127.0.0.1:${options.port}`);
  const headers = requestHeaders({ path: PATHS[options.call], apiKey: options.apiKey });
  const frames = framesOf(options);
  const statuses: Record<string, number> = {};
  const latencies: number[] = [];
  const start = performance.now();
  let sent = 0;
  let outstanding = 0;

  await new Promise<void>((resolve, reject) => {
    session.on('error', reject);
    const timer = setInterval(() => {
      const elapsed = performance.now() - start;
      const isOver = elapsed >= options.seconds * 1_000;
      if (isOver && outstanding === 0) {
        clearInterval(timer);
        resolve();
      }
      const due = isOver ? 0 : Math.floor((elapsed * options.perSecond) / 1_000);
      for (; sent < due; sent += 1) {
        if (outstanding >= MOST_OUTSTANDING) continue;
        outstanding += 1;
        const sentTime = performance.now();
        ask(session, headers, frames[next % frames.length] ?? Buffer.alloc(0), (status) => {
          outstanding -= 1;
          statuses[status] = (statuses[status] ?? 0) + 1;
          if (status === '0') latencies.push((performance.now() - sentTime) * 1_000);
        });
        next += 1;
      }
    }, 1);
  });
  session.close();
  return { statuses, latencies };
}

function framesOf({ call, connections, minTtlSeconds }: PacedRun): Buffer[] {
  return Array.from({ length: connections.count }, (_, at) => {
    const name = connectionAt(connections.first + at);
    if (call !== 'verify') return requestFrame(name, minTtlSeconds);
    return grpcFrame(toBinary(VerifyConnectionRequestSchema, create(VerifyConnectionRequestSchema, { name })));
  });
}

function ask(
  session: ClientHttp2Session,
  headers: Record<string, string>,
  frame: Buffer,
  done: (status: string) => void,
): void {
  const stream = session.request(headers);
  let status: unknown;
  stream.on('response', (answer) => {
    status = answer['grpc-status'];
  });
  stream.on('trailers', (trailers) => {
    status = trailers['grpc-status'];
  });
  stream.on('error', () => {});
  stream.on('close', () => done(String(status)));
  stream.resume();
  stream.end(frame);
}
