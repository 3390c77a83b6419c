import { randomInt } from 'node:crypto';
import { type Message, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type FuzzedRequest, fuzzedRequests } from './fuzzed_request.ts';
import { type FuzzedVault, startFuzzedVault } from './fuzzed_vault.ts';
import { createGrpcCaller, type GrpcResponse } from './grpc_call.ts';
import { METHODS, pathOf } from './grpc_services.ts';
import { createNewestValues } from './newest_values.ts';
import { faultOf, outcomeOf } from './response_fault.ts';

/** `npm run test:fuzz`. */
const isLong = process.env['FUZZ'] === 'long';
const REQUESTS = Number(process.env['FUZZ_REQUESTS'] ?? (isLong ? 100_000 : 1_000));
/** At the same time. */
const BATCH = 20;
const RESTORED_EVERY = 10;
/** The short mode sends the same requests each time. */
const seed = Number(process.env['FUZZ_SEED'] ?? (isLong ? randomInt(2 ** 31) : 40));

let vault: FuzzedVault;
let callers: Readonly<Record<FuzzedRequest['listener'], ReturnType<typeof createGrpcCaller>>>;
beforeAll(async () => {
  vault = await startFuzzedVault();
  const { grpc, admin } = vault.program.addresses;
  callers = { grpc: createGrpcCaller(grpc), admin: createGrpcCaller(admin) };
});
afterAll(async () => {
  for (const caller of Object.values(callers)) caller.close();
  await vault.close();
});

const newest = createNewestValues();
const succeeded = new Set<string>();
const tally = new Map<string, number>();
const count = (what: string) => tally.set(what, (tally.get(what) ?? 0) + 1);

async function send(request: FuzzedRequest): Promise<void> {
  const { kind, method, listener, headers, reading } = request;
  const messages = request.messages.map((message) =>
    message instanceof Uint8Array ? message : toBinary(method.input, newest.put(method, message as Message)),
  );
  const path = pathOf(method);
  const response = await callers[listener].call({ path, headers: headers.values, messages, reading });
  count(`${kind} ${outcomeOf(response)}`);
  const fault = faultOf(request, messages, response);
  if (fault !== undefined) throw new Error(`${fault}: ${described(request, messages, response)}`);
  vault.scan(path, response.text);
  const [message] = response.messages;
  if (message === undefined) return;
  succeeded.add(path);
  newest.take(method, message);
}

/** What sends the request again. */
function described(
  { method, listener, headers, reading }: FuzzedRequest,
  messages: readonly Uint8Array[],
  response: GrpcResponse,
): string {
  const sent = messages.map((message) => Buffer.from(message).toString('hex').slice(0, 2_000));
  const request = { seed, path: pathOf(method), listener, headers, reading, sent };
  return JSON.stringify(
    { outcome: outcomeOf(response), text: response.text.slice(0, 2_000), ...request },
    undefined,
    1,
  );
}

async function inFlight(): Promise<number> {
  return Number(/^tokenvault_calls_in_flight (\d+)$/m.exec(await vault.metrics())?.[1]);
}

async function memory(): Promise<string> {
  const bytes = Number(/^process_resident_memory_bytes (\S+)$/m.exec(await vault.metrics())?.[1]);
  return `${Math.round(bytes / 2 ** 20)} MiB`;
}

test(`fuzzed requests cause no crash, no INTERNAL and no leak (FUZZ_SEED=${seed})`, {
  timeout: 3_600_000,
}, async () => {
  const request = fc.oneof(fuzzedRequests(vault.seeds, 'bytes'), fuzzedRequests(vault.seeds, 'structured'));
  const batch = fc.array(request, { minLength: BATCH, maxLength: BATCH });
  const started = performance.now();
  let batches = 0;
  const memories: string[] = [];
  const run = await fc.check(
    fc.asyncProperty(batch, async (requests) => {
      if (batches % RESTORED_EVERY === 0) await vault.restore();
      if (batches % Math.ceil(REQUESTS / BATCH / 10) === 0) memories.push(await memory());
      batches += 1;
      await Promise.all(requests.map(send));
      for (const caller of Object.values(callers)) caller.renew();
      await vault.serveToken();
      expect(vault.program.child.exitCode).toBeNull();
      expect([...vault.faults]).toEqual([]);
    }),
    // A smaller batch need not fail, since the vault keeps what earlier requests did.
    { numRuns: Math.ceil(REQUESTS / BATCH), seed, endOnFailure: true },
  );
  if (run.failed) throw run.errorInstance;
  const seconds = Math.round((performance.now() - started) / 1_000);
  await vi.waitFor(async () => expect(await inFlight()).toBe(0), { timeout: 60_000 });
  vault.scan('metrics', await vault.metrics());
  memories.push(await memory());
  if (isLong) {
    console.log(`seed ${seed}, ${batches * BATCH} requests, ${seconds} s, resident memory ${memories.join(', ')}`);
    const others = METHODS.map(pathOf).filter((path) => !succeeded.has(path));
    console.log(`methods without a response message: ${others.join(', ')}`);
    for (const [what, number] of [...tally].sort()) console.log(`${String(number).padStart(8)} ${what}`);
  }
  expect(await vault.stop()).toBe(0);
  expect([...vault.faults]).toEqual([]);
});
