import { readdirSync, rmSync } from 'node:fs';
import { loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { type FakeEntra, startFakeEntra } from './fake_entra.ts';
import { connectionAt, fillVault } from './filled_vault.ts';
import { measureCapacity } from './flood.ts';
import { warmAnswerBytes } from './hit.ts';
import { messageOf, type ServerProcess, startProcess } from './processes.ts';
import type { Bench, Figure, SectionReport } from './section.ts';
import type { SoakLoad, SoakStep } from './soak_client.ts';
import { type Sample, soakReports } from './soak_figures.ts';
import { AGE_VARIABLE, type SoakProbe } from './soak_probe.ts';
import { spread } from './statistics.ts';
import { removeVaultFolder } from './vault_folder.ts';
import { GET_ACCESS_TOKEN, requestFrame, SOURCES, servedFrom, startVault, type VaultProcess } from './vault_process.ts';

export interface SoakOptions {
  readonly minutes: number;
  /** Of the measured capacity of one vault, for all vaults together. */
  readonly load: number;
}

const SIDES = [
  { streams: 16, ends: true },
  { streams: 64, ends: true },
  { streams: 16, ends: false },
  { streams: 64, ends: false },
] as const;

/** With other lengths, everything is scaled: ages, steps and windows. */
const FULL_MINUTES = 60;
const LEAST_MINUTES = 3;
const STEP_MINUTES = 1 / 6;
const AGE_MINUTES = 30;
const NO_AGE = 2 ** 30;

interface Soaked {
  readonly title: string;
  readonly vault: VaultProcess;
  readonly client: ServerProcess;
  readonly servedBefore: number;
  readonly samples: Sample[];
}

/**
 * What grows with the age of a connection: four vaults, each with one client connection, which ends by its age or does not, and
 * 16 or 64 calls in flight. They share the machine, so the load is paced.
 */
export async function benchSoak(bench: Bench, { minutes, load }: SoakOptions): Promise<SectionReport[]> {
  if (!(minutes >= LEAST_MINUTES))
    throw new Error(`--minutes is at least ${LEAST_MINUTES}, so that connections outlast the setup.`);
  const scale = minutes / FULL_MINUTES;
  const entra = await startFakeEntra('RS256');
  const soaked: Soaked[] = [];
  let capacity = 0;
  try {
    for (const side of SIDES) {
      const age = side.ends ? (scale === 1 ? undefined : AGE_MINUTES * 60_000 * scale) : NO_AGE;
      const vault = await startSoakedVault(entra, age);
      capacity ||= await measureCapacity(bench, vault);
      soaked.push(await start(vault, side, (capacity * load) / SIDES.length));
    }
    await observe(bench, soaked, scale);
    for (const one of soaked) await assertServed(one);
  } finally {
    for (const { vault, client } of soaked) {
      await client.stop();
      await vault.stop();
      removeVaultFolder(vault.folder);
    }
    await entra.process.stop();
  }
  const figures: Figure[] = [
    { name: 'capacity, hits at 16 in flight', value: spread([capacity]), unit: 'calls/s' },
    ...soaked.map(({ title, samples }): Figure => {
      const rates = samples.slice(1).map(({ answers }) => answers / (STEP_MINUTES * 60 * scale));
      return { name: title, value: spread(rates), unit: 'calls/s' };
    }),
  ];
  return [
    { title: `Soak: ${minutes} minutes at ${load * 100} % of the capacity`, figures },
    ...soaked.flatMap(({ title, samples }) => soakReports(title, samples)),
  ];
}

async function startSoakedVault(entra: FakeEntra, age: number | undefined): Promise<VaultProcess> {
  const folder = await fillVault({ connections: 1, accessTokens: 'none' });
  const environment = age === undefined ? {} : { [AGE_VARIABLE]: String(age) };
  // The probe changes a source file, which the bundle does not have.
  return startVault(folder, entra.url, { environment, program: SOURCES, imports: ['soak_probe.ts'] });
}

async function start(vault: VaultProcess, side: (typeof SIDES)[number], perSecond: number): Promise<Soaked> {
  const { streams, ends } = side;
  const answerBytes = await warmAnswerBytes(vault);
  const servedBefore = await served(vault);
  const client = startProcess({ script: 'soak_client.ts' });
  await messageOf(client.child, 'ready');
  const load: SoakLoad = {
    port: vault.tokenPort,
    path: GET_ACCESS_TOKEN,
    apiKey: vault.folder.apiKey,
    frame: requestFrame(connectionAt(0)).toString('base64'),
    answerBytes,
    streams,
    pause: Math.max(1, Math.round((streams / perSecond) * 1_000)),
  };
  client.child.send({ load });
  const title = `${streams} in flight, ${ends ? 'connections end by age' : 'one connection'}`;
  return { title, vault, client, servedBefore, samples: [] };
}

/** One sample of each vault a step, until the time is over. */
async function observe(bench: Bench, soaked: readonly Soaked[], scale: number): Promise<void> {
  const started = performance.now();
  const stepTime = STEP_MINUTES * 60_000 * scale;
  const steps = FULL_MINUTES / STEP_MINUTES;
  await Promise.all(soaked.map((one) => sample(one, 0)));
  for (let step = 1; step <= steps; step += 1) {
    await sleep(Math.max(1, started + step * stepTime - performance.now()));
    await Promise.all(soaked.map((one) => sample(one, step * STEP_MINUTES)));
    if (step % 6 === 0) bench.progress(`soak: ${soaked.map(({ samples }) => progressOf(samples.at(-1))).join(' · ')}`);
  }
}

async function sample({ vault, client, samples }: Soaked, minute: number): Promise<void> {
  client.child.send({ step: true });
  const step = (await messageOf(client.child, 'stepped')) as SoakStep;
  vault.process.child.send({ soak: true });
  const probe = (await messageOf(vault.process.child, 'soaked')) as SoakProbe;
  const { cpu } = await vault.process.usage();
  const cpuOfCall = (cpu - (samples.at(-1)?.cpu ?? 0)) / step.answers;
  samples.push({ minute, ...step, ...probe, cpu, cpuOfCall, machineLoad: loadavg()[0] ?? Number.NaN });
  removeRotatedAudit(vault);
}

/** A soak writes gigabytes of it. */
function removeRotatedAudit({ folder }: VaultProcess): void {
  for (const name of readdirSync(folder.path)) if (/^audit\.jsonl\.\d+$/.test(name)) rmSync(`${folder.path}/${name}`);
}

function progressOf(sample: Sample | undefined): string {
  if (sample === undefined) return '';
  const survived = ((100 * sample.survived) / sample.young).toFixed(2);
  return `${survived} % ${(sample.resident / 2 ** 20).toFixed(0)} MB ${(sample.p99 / 1_000).toFixed(1)} ms`;
}

async function assertServed({ title, vault, client, servedBefore, samples }: Soaked): Promise<void> {
  await client.stop();
  const counted = (await served(vault)) - servedBefore;
  const answers = samples.reduce((sum, one) => sum + one.answers, 0);
  const failures = samples.reduce((sum, one) => sum + one.failures, 0);
  if (failures > 0) throw new Error(`${title}: ${failures} calls have no valid answer`);
  if (counted < answers) throw new Error(`${title}: the vault counts ${counted} tokens for ${answers} answers`);
}

async function served(vault: VaultProcess): Promise<number> {
  const counts = await Promise.all((['CACHE', 'DATABASE', 'ENTRA'] as const).map((from) => servedFrom(vault, from)));
  return counts.reduce((sum, count) => sum + count, 0);
}
