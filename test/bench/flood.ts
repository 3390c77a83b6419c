import { hash } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { newApiKey } from '../../src/model/api_key.ts';
import { startFakeEntra } from './fake_entra.ts';
import { connectionAt } from './filled_vault.ts';
import { FLOOD_SIDES, type FloodRound, type FloodRun, type FloodSide, floodFigures } from './flood_figures.ts';
import { startBare, warmAnswerBytes } from './hit.ts';
import { ratePerSecond } from './load.ts';
import type { PacedResult, PacedRun } from './paced_client.ts';
import { messageOf, startProcess } from './processes.ts';
import type { Bench, Figure, SectionReport } from './section.ts';
import { orderOf, quantile, spread } from './statistics.ts';
import { requestFrame, startVault, type VaultProcess, vaultTarget } from './vault_process.ts';

const ROUNDS = 9;
/** No common divisor with the 24 orders, so that successive rounds begin with different sides. */
const SHUFFLE = 7;
const SECONDS = 3;
/** The flooder's rate, of the capacity, and its calls, of its rate. */
const RATE = 0.05;
const FLOOD = 10;
/** The other caller's calls, of the capacity, and its refreshes a second. */
const QUIET = 0.05;
const REFRESHES = 20;
/** The vault subtracts 30 s, so a token serves for 6 s, and each connection is called again after 10 s. */
const TOKEN_LIFETIME = 96;
const MIN_TTL = 60;
/** Of Entra, in milliseconds: less than a request to it takes from most places. */
const LATENCY = 50;
/** Of the echo: about as many as a refusal has. */
const REFUSAL_BYTES = 300;

/** Connection 0 is for hits of both callers. */
const REFRESHED = { first: 1, count: 200 };
/** More than are verified in 30 s. */
const FORCED = { first: 201, count: 8_000 };
const HIT = { first: 0, count: 1 };

type Flooding = Pick<PacedRun, 'call' | 'connections'>;

const FLOODS: Readonly<Record<Exclude<FloodSide, 'none'>, Flooding>> = {
  echo: { call: 'echo', connections: HIT },
  hits: { call: 'get', connections: HIT },
  'forced exchanges': { call: 'verify', connections: FORCED },
};

/**
 * The p99 of one caller, next to another caller that calls at ten times its rate, over its own without that. The same flood
 * at an echo server shows how much of it is the load itself, which shares the cores with the vault.
 */
export async function benchFlood(bench: Bench): Promise<SectionReport> {
  const entra = await startFakeEntra('ES256', TOKEN_LIFETIME, LATENCY);
  const connections = FORCED.first + FORCED.count;
  const vault = await startVault(await bench.filled({ connections, accessTokens: 'none' }), entra.url);
  const clients = await Promise.all(['hits', 'refreshes', 'flood'].map(() => startPacedClient()));
  const [hits, refreshes, flood] = clients as [PacedClient, PacedClient, PacedClient];
  const echo = await startBare('echo', 'echo_server.ts', requestFrame(connectionAt(0)), REFUSAL_BYTES);
  const rounds: FloodRound[] = [];
  let capacity: number;
  try {
    capacity = await measureCapacity(bench, vault);
    const rate = Math.ceil(RATE * capacity);
    const flooder = await addFlooder(vault, rate);
    const quiet = { port: vault.tokenPort, apiKey: vault.folder.apiKey, call: 'get', seconds: SECONDS } as const;
    const ofFlood = { apiKey: flooder, perSecond: FLOOD * rate, seconds: SECONDS };

    const floodOf = (side: FloodSide) => {
      if (side === 'none') return undefined;
      const port = side === 'echo' ? echo.target.port : vault.tokenPort;
      return flood.run({ ...ofFlood, ...FLOODS[side], port });
    };
    const measure = async (side: FloodSide): Promise<FloodRun> => {
      const refreshRun = { ...quiet, perSecond: REFRESHES, connections: REFRESHED, minTtlSeconds: MIN_TTL };
      const before = await Promise.all([vault.process.usage(), echo.process.usage()]);
      const [hit, refresh, flooding] = await Promise.all([
        hits.run({ ...quiet, perSecond: QUIET * capacity, connections: HIT }),
        refreshes.run(refreshRun),
        floodOf(side),
      ]);
      const after = await Promise.all([vault.process.usage(), echo.process.usage()]);
      const [ofVault, ofEcho] = after.map(({ cpu }, at) => cpu - (before[at]?.cpu ?? 0)) as [number, number];
      return { hits: p99(hit), refreshes: p99(refresh), flood: flooding, cpu: { vault: ofVault, echo: ofEcho } };
    };

    await measure('echo');
    await measure('hits');
    const count = bench.rounds(ROUNDS);
    for (let at = 0; at < count; at += 1) {
      bench.progress(`flood: round ${at + 1} of ${count}`);
      const round = {} as Record<FloodSide, FloodRun>;
      for (const side of orderOf(FLOOD_SIDES, at * SHUFFLE)) round[side] = await measure(side);
      rounds.push(round);
    }
    if (bench.profileFolder !== undefined) await profileFloods(vault, floodOf, bench.profileFolder);
  } finally {
    for (const client of clients) await client.stop();
    await echo.process.stop();
    await vault.stop();
    await entra.process.stop();
  }
  const measured: Figure = { name: 'capacity, hits at 16 in flight', value: spread([capacity]), unit: 'calls/s' };
  return {
    title: 'Flood: a caller next to another one that calls at ten times its rate',
    figures: [measured, ...floodFigures(rounds, SECONDS)],
  };
}

async function profileFloods(
  vault: VaultProcess,
  floodOf: (side: FloodSide) => Promise<PacedResult> | undefined,
  folder: string,
): Promise<void> {
  for (const side of ['hits', 'forced exchanges'] as const) {
    await vault.process.startProfile();
    await floodOf(side);
    const profile = await vault.process.stopProfile();
    writeFileSync(join(folder, `flood_of_${side.replace(' ', '_')}.cpuprofile`), JSON.stringify(profile));
  }
}

interface PacedClient {
  run(options: PacedRun): Promise<PacedResult>;
  stop(): Promise<void>;
}

async function startPacedClient(): Promise<PacedClient> {
  const client = startProcess({ script: 'paced_client.ts' });
  await messageOf(client.child, 'ready');
  return {
    async run(options) {
      client.child.send({ run: options });
      return (await messageOf(client.child, 'result')) as PacedResult;
    },
    stop: client.stop,
  };
}

/** Hits a second at 16 in flight. */
export async function measureCapacity(bench: Bench, vault: VaultProcess): Promise<number> {
  const answerBytes = await warmAnswerBytes(vault);
  const target = vaultTarget(vault, requestFrame(connectionAt(0)), answerBytes);
  await bench.load.run(target, { streams: 16, seconds: 3 });
  const result = await bench.load.run(target, { streams: 16, seconds: 3 });
  // A token that is refreshed ahead may have another size, which h2load's bytes cannot tell from an error.
  if (result.failures > 0.01 * result.answers) throw new Error(`${result.failures} of ${result.answers} are invalid`);
  return ratePerSecond(result);
}

/** Adds a caller with this rate to the callers file, and waits until the vault uses it. Returns its API key. */
async function addFlooder({ folder, counter }: VaultProcess, rate: number): Promise<string> {
  const { key, sha256 } = newApiKey('flooder');
  const limits = `tenants: ['*'], rate: { per_second: ${rate}, burst: ${rate} }`;
  const entry = `  - id: flooder
    api_keys:
      - { id: k1, sha256: ${sha256}, expire_time: 2100-01-01T00:00:00Z }
    rules:
      - { id: flooder-reads, role: token_reader, ${limits} }
      - { id: flooder-connects, role: connector, ${limits} }
`;
  const text = readFileSync(folder.callers, 'utf8').replace(/^end: true$/m, `${entry}end: true`);
  writeFileSync(`${folder.callers}.new`, text);
  renameSync(`${folder.callers}.new`, folder.callers);
  const series = `tokenvault_callers_file_info{sha256="${hash('sha256', text, 'hex')}"}`;
  while ((await counter(series)) !== 1) await new Promise((resolve) => setTimeout(resolve, 100));
  return key;
}

/** An error of the caller that keeps its limits must not occur. */
function p99({ statuses, latencies }: PacedResult): number {
  const { 0: good = 0, ...errors } = statuses;
  if (good === 0 || Object.keys(errors).length > 0) throw new Error(`errors by status: ${JSON.stringify(statuses)}`);
  return quantile(latencies, 0.99);
}
