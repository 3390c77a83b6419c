import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { buildProgram } from '../../deploy/build_program.ts';
import { benchBatch } from './batch.ts';
import { benchCache } from './cache.ts';
import { benchCallers } from './callers.ts';
import { benchDecision } from './decision.ts';
import { type Filling, fillVault } from './filled_vault.ts';
import { benchFlood } from './flood.ts';
import { benchHit } from './hit.ts';
import { benchImport } from './import.ts';
import { benchInProcess } from './in_process.ts';
import { createClientLoad } from './load_client.ts';
import { createH2load, isH2loadInstalled } from './load_h2load.ts';
import { benchMemory } from './memory.ts';
import { benchRefresh } from './refresh.ts';
import { benchReplicas } from './replicas.ts';
import { busyWarning, machine, table } from './report.ts';
import { benchRotation } from './rotation.ts';
import type { Bench, SectionReport } from './section.ts';
import { benchSizes } from './sizes.ts';
import { benchSoak } from './soak.ts';
import { benchStartup } from './startup.ts';
import { benchSweep } from './sweep.ts';
import { removeVaultFolder, type VaultFolder } from './vault_folder.ts';

const HELP = `npm run bench -- [options]     (how to read the figures: docs/benchmarks.md)

  --only NAME,…     of: hit, in_process, refresh, sizes, memory, startup, import,
                    sweep, replicas, decision, callers, flood, rotation,
                    cache, batch
  --base FOLDER     hit, in_process, refresh, memory and import also measure the vault of the checkout in FOLDER, in the
                    same rounds
  --soak            nothing else: --minutes N (default 60) on connections that stay open, with --load N percent of the
                    capacity (default 40) for four vaults together
  --quick           a third of the rounds, 100,000 instead of 1,000,000 connections, 200 instead of 1,000 tenants; not for
                    publication
  --json FILE       the figures as JSON
  --profile FOLDER  CPU profiles of the hit, the refresh, the import and the sweep; read them with: node test/bench/profile.ts FILE`;

const SECTIONS: Record<string, (bench: Bench) => Promise<SectionReport>> = {
  hit: benchHit,
  in_process: benchInProcess,
  refresh: benchRefresh,
  sizes: benchSizes,
  memory: benchMemory,
  startup: benchStartup,
  import: benchImport,
  sweep: benchSweep,
  replicas: benchReplicas,
  decision: benchDecision,
  callers: benchCallers,
  flood: benchFlood,
  rotation: benchRotation,
  cache: benchCache,
  batch: benchBatch,
};

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    soak: { type: 'boolean', default: false },
    minutes: { type: 'string', default: '60' },
    load: { type: 'string', default: '40' },
    base: { type: 'string' },
    quick: { type: 'boolean', default: false },
    json: { type: 'string' },
    profile: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

if (options.help) {
  console.log(HELP);
  process.exit(0);
}
const chosen = options.only?.split(',') ?? Object.keys(SECTIONS);
const unknown = chosen.filter((name) => SECTIONS[name] === undefined);
if (unknown.length > 0) {
  console.error(`There is no section ${unknown.join(', ')}. Choose from the list.\n\n${HELP}`);
  process.exit(64);
}
// An interrupt exits normally, so that servers are stopped and folders removed.
process.once('SIGINT', () => process.exit(130));

const h2load = isH2loadInstalled();
if (!h2load) {
  console.warn(
    'WARNING: h2load is not installed (apt-get install nghttp2-client). The load comes from Node instead, which cannot distinguish fast servers.',
  );
}
const busy = busyWarning();
if (busy !== undefined) console.warn(`WARNING: ${busy}`);
if (options.profile !== undefined) mkdirSync(options.profile, { recursive: true });

await buildProgram(fileURLToPath(new URL('../..', import.meta.url)));
const started = performance.now();
const folders = new Map<string, Promise<VaultFolder>>();
const made: VaultFolder[] = [];
process.once('exit', () => made.forEach(removeVaultFolder));

const clientLoad = createClientLoad();
const bench: Bench = {
  load: h2load ? createH2load() : clientLoad,
  clientLoad,
  isQuick: options.quick,
  rounds: (full) => (options.quick ? Math.ceil(full / 3) : full),
  progress: (step) => console.log(`${((performance.now() - started) / 1_000).toFixed(0).padStart(4)} s  ${step}`),
  filled(filling) {
    const key = JSON.stringify(filling);
    const known = folders.get(key);
    if (known !== undefined) return known;
    const folder = make(filling);
    folders.set(key, folder);
    return folder;
  },
  profileFolder: options.profile,
  base: options.base,
};

async function make(filling: Filling): Promise<VaultFolder> {
  const folder = await fillVault(filling);
  made.push(folder);
  return folder;
}

const reports: SectionReport[] = [];
if (options.soak) {
  reports.push(...(await benchSoak(bench, { minutes: Number(options.minutes), load: Number(options.load) / 100 })));
} else {
  for (const name of chosen) {
    const run = SECTIONS[name];
    if (run !== undefined) reports.push(await run(bench));
  }
}

const facts = machine(bench.load.name);
console.log(
  `\n${Object.entries(facts)
    .map(([name, value]) => `${name}: ${value}`)
    .join(' · ')}`,
);
console.log('median of the rounds, and their middle half; ratios are computed within each round');
console.log(table(reports));
if (options.json !== undefined) writeFileSync(options.json, JSON.stringify({ machine: facts, reports }, null, 2));
console.log(`\n${((performance.now() - started) / 1_000).toFixed(0)} s in total`);
process.exit(0);
