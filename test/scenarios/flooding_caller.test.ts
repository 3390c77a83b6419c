import { hash } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TokenSource } from '../../src/gen/tokenvault/v1/access_token_pb.ts';
import { ImportConnectionRequest_Verify } from '../../src/gen/tokenvault/v1/connection_service_pb.ts';
import { newApiKey } from '../../src/model/api_key.ts';
import type { WrittenCaller } from './callers_file.ts';
import { importAda, type Onboarded, onboard } from './onboard.ts';
import { type Clients, reasonOf, type Scenario } from './start_scenario.ts';
import { type ScenarioWithCallers, startWithCallers } from './start_with_callers.ts';

/** Share of the measured capacity, and how far the flood is above it. */
const RATE = 0.05;
const FLOOD = 10;
const MOST_OUTSTANDING = 200;
const FORCED = 40;
const FORCED_SLOTS = 4;
const FORCED_PLACES = 32;
/** Fewer than the slots of an app in a directory. */
const REFRESHES = 6;
const PATIENT = { timeout: 60_000 };

const keys = { operator: newApiKey('operator'), flooder: newApiKey('flooder'), quiet: newApiKey('quiet') };
const roles = [{ role: 'token_reader', tenants: ['acme'] } as const, { role: 'connector', tenants: ['acme'] } as const];
const operator = { id: 'operator', ...keys.operator, rules: [{ role: 'operator', tenants: ['*'] }, ...roles] };
const quiet = { id: 'quiet', ...keys.quiet, rules: roles };
const flooder = (rate?: object): WrittenCaller => ({
  id: 'flooder',
  ...keys.flooder,
  rules: rate === undefined ? roles : roles.map((rule) => ({ ...rule, rate })),
});

let scenario: Scenario;
let use: ScenarioWithCallers['use'];
let metrics: ScenarioWithCallers['metrics'];
let by: Record<keyof typeof keys, Clients>;
/** Of both callers: one app, one directory. */
let acme: Onboarded;
beforeAll(async () => {
  ({ scenario, use, metrics } = await startWithCallers(operator, quiet, flooder()));
  const clientsOf = (apiKey: string) =>
    scenario.clients({ apiKey, channel: { 'grpc.enable_retries': 0, 'grpc.use_local_subchannel_pool': 1 } });
  by = {
    operator: clientsOf(keys.operator.key),
    flooder: clientsOf(keys.flooder.key),
    quiet: clientsOf(keys.quiet.key),
  };
  acme = await onboard({ ...by.operator, sandbox: scenario.sandbox, callbackUri: scenario.callbackUri }, 'acme');
});
afterAll(async () => {
  for (const clients of Object.values(by)) clients.close();
  await scenario.close();
});

/** 0 without such a series. */
async function counter(series: string): Promise<number> {
  const line = (await metrics()).split('\n').find((one) => one.startsWith(`${series} `));
  return Number(line?.slice(series.length + 1) ?? 0);
}

/** Connections whose first token comes from Entra. */
function connect(prefix: string, count: number): Promise<string[]> {
  const as = { sandbox: scenario.sandbox, connections: by.operator.connections };
  const verify = ImportConnectionRequest_Verify.ON_FIRST_USE;
  return Promise.all(Array.from({ length: count }, (_, at) => importAda(as, acme, `${prefix}-${at}`, { verify })));
}

/** Calls a second, 16 at a time. */
async function measureCapacity(call: () => Promise<unknown>): Promise<number> {
  const calls = 600;
  let left = calls;
  const start = performance.now();
  const worker = async () => {
    while (left-- > 0) await call();
  };
  await Promise.all(Array.from({ length: 16 }, worker));
  return (calls * 1_000) / (performance.now() - start);
}

/** Calls at this rate, without waiting for responses. */
function startFlood(perSecond: number, call: () => Promise<unknown>) {
  const outcomes: Record<string, number> = {};
  const outstanding = new Set<Promise<void>>();
  const start = performance.now();
  let sent = 0;
  const timer = setInterval(() => {
    const due = ((performance.now() - start) * perSecond) / 1_000;
    for (; sent < due && outstanding.size < MOST_OUTSTANDING; sent++) {
      const one = reasonOf(call()).then((reason) => {
        outcomes[reason] = (outcomes[reason] ?? 0) + 1;
        outstanding.delete(one);
      });
      outstanding.add(one);
    }
  }, 5);
  return {
    outcomes,
    async stop() {
      clearInterval(timer);
      await Promise.all(outstanding);
    },
  };
}

test('a caller that calls at ten times its rate causes no error of another caller, nor a wait for Entra', async () => {
  const [flooded = ''] = await connect('flooded', 1);
  const [cached = '', ...expired] = await connect('quiet', 1 + REFRESHES);
  const ask = (clients: Clients, connection: string) => clients.tokens.getAccessToken({ connection });
  await ask(by.flooder, flooded);
  await ask(by.quiet, cached);
  const perSecond = Math.ceil(RATE * (await measureCapacity(() => ask(by.flooder, flooded))));
  const waitedBefore = await counter('tokenvault_exchanges_waited_total{kind="regular"}');
  const start = performance.now();
  await use(operator, quiet, flooder({ per_second: perSecond, burst: perSecond }));

  const flood = startFlood(FLOOD * perSecond, () => ask(by.flooder, flooded));
  const sources: TokenSource[] = [];
  for (const connection of expired) {
    sources.push((await ask(by.quiet, connection)).source);
    for (let i = 0; i < 20; i++) sources.push((await ask(by.quiet, cached)).source);
  }
  await expect.poll(() => flood.outcomes['RATE_LIMITED'] ?? 0, PATIENT).toBeGreaterThan(2 * perSecond);
  await flood.stop();
  const seconds = (performance.now() - start) / 1_000;

  expect(sources.filter((source) => source === TokenSource.ENTRA)).toHaveLength(REFRESHES);
  const { OK: accepted = 0, RATE_LIMITED: refused, ...others } = flood.outcomes;
  expect(others).toEqual({});
  expect(accepted).toBeLessThanOrEqual(perSecond * (1 + seconds));
  expect(await counter('tokenvault_call_rate_exceeded_total{caller="flooder"}')).toBe(refused);
  expect(await counter('tokenvault_call_rate_exceeded_total{caller="quiet"}')).toBe(0);
  expect(await counter('tokenvault_exchanges_waited_total{kind="regular"}')).toBe(waitedBefore);
});

test('exchanges of a caller wait for no slot that the forced exchanges of another caller hold', async () => {
  await use(operator, quiet, flooder());
  const forced = await connect('forced', FORCED);
  const refreshed = await connect('refreshed', REFRESHES);
  const tokens = await Promise.all(forced.map((connection) => by.flooder.tokens.getAccessToken({ connection })));
  const force = (connection: string, at: number) => {
    const { accessToken = '' } = tokens[at] ?? {};
    const claims = '{"access_token":{"nbf":{"essential":true,"value":"1"}}}';
    switch (at % 3) {
      case 0:
        return by.flooder.connections.verifyConnection({ name: connection });
      case 1:
        return by.flooder.tokens.getAccessToken({ connection, claims });
      default:
        return by.flooder.tokens.getAccessToken({
          connection,
          rejectedTokenSha256: hash('sha256', accessToken, 'hex'),
        });
    }
  };
  const waitedBefore = await counter('tokenvault_exchanges_waited_total{kind="regular"}');
  // Twice as many as forced exchanges may hold.
  const gates = Array.from({ length: 2 * FORCED_SLOTS }, () => scenario.sandbox.holdNextToken({ stage: 'request' }));

  const flood = Promise.all(forced.map((connection, at) => reasonOf(force(connection, at))));
  await Promise.all(gates.slice(0, FORCED_SLOTS).map(({ arrived }) => arrived));
  await expect.poll(() => counter('tokenvault_exchanges_waiting'), PATIENT).toBe(FORCED_PLACES);
  expect(gates.map((gate) => gate.hasArrived())).toEqual(gates.map((_, at) => at < FORCED_SLOTS));
  for (const gate of gates.slice(FORCED_SLOTS)) gate.release();
  const served = await Promise.all(refreshed.map((connection) => by.quiet.tokens.getAccessToken({ connection })));
  const heldMeanwhile = await counter('tokenvault_exchanges_in_flight');
  for (const gate of gates) gate.release();

  expect(served.map(({ source }) => source)).toEqual(refreshed.map(() => TokenSource.ENTRA));
  expect(heldMeanwhile).toBe(FORCED_SLOTS);
  expect(await counter('tokenvault_exchanges_waited_total{kind="regular"}')).toBe(waitedBefore);
  expect(await counter('tokenvault_exchanges_waited_total{kind="forced"}')).toBe(FORCED_PLACES);
  const reasons = await flood;
  expect(reasons.filter((reason) => reason === 'OK')).toHaveLength(FORCED_SLOTS + FORCED_PLACES);
  expect(new Set(reasons)).toEqual(new Set(['OK', 'OVERLOADED']));
});
