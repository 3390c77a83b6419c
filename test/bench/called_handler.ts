import { createRequire } from 'node:module';
import type { handleUnaryCall, Metadata, Server, ServerUnaryCall, UntypedServiceImplementation } from '@grpc/grpc-js';

/**
 * Calls of one handler of a vault, in its own process and without a socket: the program is started with
 * `--import called_handler.ts`. Everything else is as in production.
 */
export interface HandlerRun {
  /** Of the listeners, the first with this method has it. */
  readonly path: string;
  readonly apiKey: string;
  /** Requests in base64, which take turns. */
  readonly requests: readonly string[];
}

export interface HandlerRound {
  readonly calls: number;
  /** Started in one turn of the event loop; the next turn begins when all have a response. */
  readonly callsPerTurn: number;
}

/** By slice of the round, in its order. */
export interface HandlerResult {
  /** CPU a call, of all threads, in nanoseconds. */
  readonly cpu: readonly number[];
}

/** Short enough that other programs disturb only some slices, and long enough for a scavenge in most. */
const CALLS_PER_SLICE = 256;

type Handler = handleUnaryCall<Uint8Array, Uint8Array>;

// The library of the program, which may be another checkout.
const grpc: { Server: typeof Server; Metadata: typeof Metadata } = createRequire(process.argv[1] ?? '')(
  '@grpc/grpc-js',
);
const handlers = new Map<string, Handler>();
const { addService } = grpc.Server.prototype;

grpc.Server.prototype.addService = function remember(this: Server, service, implementation) {
  const methods: UntypedServiceImplementation = implementation;
  for (const [name, { path }] of Object.entries(service))
    if (!handlers.has(path)) handlers.set(path, methods[name] as Handler);
  addService.call(this, service, implementation);
};

/** What the vault reads of a call. */
class SocketlessCall {
  readonly cancelled = false;
  readonly request: Buffer;
  readonly metadata: Metadata;

  constructor(request: Buffer, metadata: Metadata) {
    this.request = request;
    this.metadata = metadata;
  }

  getPeer(): string {
    return `127.0.0.1:${PORT}`;
  }

  getAuthContext() {
    return NO_CERTIFICATE;
  }

  getDeadline(): number {
    return Number.POSITIVE_INFINITY;
  }

  on(): this {
    return this;
  }
}

const PORT = 50_000;
const NO_CERTIFICATE = { clientCertificate: undefined };

let handler: Handler | undefined;
let metadata = new grpc.Metadata();
let requests: Buffer[] = [];

function prepare(run: HandlerRun): void {
  handler = handlers.get(run.path);
  metadata = new grpc.Metadata();
  metadata.set('authorization', `Bearer ${run.apiKey}`);
  requests = run.requests.map((text) => Buffer.from(text, 'base64'));
}

function runRound(round: HandlerRound): Promise<HandlerResult> {
  const call = handler;
  if (call === undefined) throw new Error('the program has no such method');
  const cpu: number[] = [];
  let calls = 0;
  let open = 0;
  globalThis.gc?.();
  let before = process.cpuUsage();
  let sliceFrom = 0;

  function endSlice(): void {
    const { user, system } = process.cpuUsage(before);
    cpu.push(((user + system) * 1_000) / (calls - sliceFrom));
    before = process.cpuUsage();
    sliceFrom = calls;
  }

  return new Promise((resolve, reject) => {
    const done: Parameters<Handler>[1] = (error, response) => {
      if (error || !response) return reject(new Error(`the call failed: ${JSON.stringify(error)}`));
      open -= 1;
      if (open === 0) setImmediate(turn);
    };
    function turn(): void {
      if (calls - sliceFrom >= CALLS_PER_SLICE) endSlice();
      if (calls >= round.calls) {
        resolve({ cpu });
        return;
      }
      open = round.callsPerTurn;
      for (let at = 0; at < round.callsPerTurn; at += 1) {
        const request = requests[calls % requests.length] as Buffer;
        calls += 1;
        call?.(new SocketlessCall(request, metadata) as unknown as ServerUnaryCall<Uint8Array, Uint8Array>, done);
      }
    }
    turn();
  });
}

process.on('message', (message: { prepare?: HandlerRun; round?: HandlerRound }) => {
  if (message.prepare !== undefined) prepare(message.prepare);
  if (message.round === undefined) return;
  runRound(message.round).then(
    (result) => process.send?.({ result }),
    (error: unknown) => {
      process.stderr.write(`${String(error)}\n`);
      process.exit(1);
    },
  );
});
