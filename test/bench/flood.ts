import { hash } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { newApiKey } from '../../src/model/api_key.ts';
import { startFakeEntra } from './fake_entra.ts';
import { connectionAt } from './filled_vault.ts';
import { warmAnswerBytes } from './hit.ts';
import { ratePerSecond } from './load.ts';
import type { PacedResult, PacedRun } from './paced_client.ts';
import { messageOf, startProcess } from './processes.ts';
import type { Bench, Figure, SectionReport } from './section.ts';
import { orderOf, pairedRatio, quantile, spread } from './statistics.ts';
import { requestFrame, startVault, type VaultProcess, vaultTarget } from './vault_process.ts';

const PAIRS = 9;
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
const AIM = 2;

/** Connection 0 is for hits of both callers. */
const REFRESHED = { first: 1, count: 200 };
/** More than are verified in 30 s. */
const FORCED = { first: 201, count: 8_000 };
const HIT = { first: 0, count: 1 };

type Flooding = Pick<PacedRun, 'call' | 'connections'>;

const FLOODS: Readonly<Record<'hits' | 'forced exchanges', Flooding>> = {
  hits: { call: 'get', connections: HIT },
  'forced exchanges': { call: 'verify', connections: FORCED },
};

interface Round {
  readonly hits: number;
  readonly refreshes: number;
  readonly flood: PacedResult | undefined;
}

/** The p99 of one caller, next to another caller that calls at ten times its rate, over its own without that. */
export async function benchFlood(bench: Bench): Promise<SectionReport> {
  const entra = await startFakeEntra('ES256', TOKEN_LIFETIME, LATENCY);
  const connections = FORCED.first + FORCED.count;
  const vault = await startVault(await bench.filled({ connections, accessTokens: 'none' }), entra.url);
  const clients = await Promise.all(['hits', 'refreshes', 'flood'].map(() => startPacedClient()));
  const [hits, refreshes, flood] = clients as [PacedClient, PacedClient, PacedClient];
  const figures: Figure[] = [];
  try {
    const capacity = await measureCapacity(bench, vault);
    const rate = Math.ceil(RATE * capacity);
    const flooder = await addFlooder(vault, rate);
    figures.push({ name: 'capacity, hits at 16 in flight', value: spread([capacity]), unit: 'calls/s' });
    const quiet = { port: vault.tokenPort, apiKey: vault.folder.apiKey, call: 'get', seconds: SECONDS } as const;
    const ofFlood = { port: vault.tokenPort, apiKey: flooder, perSecond: FLOOD * rate, seconds: SECONDS };

    const round = async (flooded: Flooding | undefined): Promise<Round> => {
      const refreshRun = { ...quiet, perSecond: REFRESHES, connections: REFRESHED, minTtlSeconds: MIN_TTL };
      const [hit, refresh, flooding] = await Promise.all([
        hits.run({ ...quiet, perSecond: QUIET * capacity, connections: HIT }),
        refreshes.run(refreshRun),
        flooded && flood.run({ ...ofFlood, ...flooded }),
      ]);
      return { hits: p99(hit), refreshes: p99(refresh), flood: flooding };
    };

    await round(FLOODS.hits);
    for (const [name, flooded] of Object.entries(FLOODS)) {
      const pairs = { with: [] as Round[], without: [] as Round[] };
      for (let pair = 0; pair < bench.rounds(PAIRS); pair += 1) {
        bench.progress(`flood of ${name}: pair ${pair + 1} of ${bench.rounds(PAIRS)}`);
        for (const side of orderOf(['with', 'without'] as const, pair))
          pairs[side].push(await round(side === 'with' ? flooded : undefined));
      }
      figures.push(...figuresOf(name, pairs));
    }
  } finally {
    for (const client of clients) await client.stop();
    await vault.stop();
    await entra.process.stop();
  }
  return { title: 'Flood: a caller next to another one that calls at ten times its rate', figures };
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

async function measureCapacity(bench: Bench, vault: VaultProcess): Promise<number> {
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

function figuresOf(name: string, pairs: Readonly<Record<'with' | 'without', readonly Round[]>>): Figure[] {
  const of = (side: 'with' | 'without', calls: 'hits' | 'refreshes') => pairs[side].map((round) => round[calls]);
  const answers = (isGood: boolean) =>
    pairs.with.map(({ flood }) => {
      const all = Object.entries(flood?.statuses ?? {}).filter(([status]) => (status === '0') === isGood);
      return all.reduce((sum, [, count]) => sum + count, 0) / SECONDS;
    });
  return [
    ...(['hits', 'refreshes'] as const).flatMap((calls): Figure[] => [
      {
        name: `flood of ${name}, ${calls}: p99 with / without`,
        value: pairedRatio(of('with', calls), of('without', calls)),
        unit: 'ratio',
        aim: { atMost: AIM },
      },
      { name: `flood of ${name}, ${calls}: p99 with`, value: spread(of('with', calls)), unit: 'us' },
      { name: `flood of ${name}, ${calls}: p99 without`, value: spread(of('without', calls)), unit: 'us' },
    ]),
    { name: `flood of ${name}: accepted`, value: spread(answers(true)), unit: 'calls/s' },
    { name: `flood of ${name}: refused`, value: spread(answers(false)), unit: 'calls/s' },
  ];
}
