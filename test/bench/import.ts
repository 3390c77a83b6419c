import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fillVault } from './filled_vault.ts';
import { benchImportWithBase } from './import_base.ts';
import { assertSucceeded, startImporter, untilStored, writeLines } from './import_lines.ts';
import type { Memory } from './probe.ts';
import { messageOf, startProcess } from './processes.ts';
import type { Bench, Figure, SectionReport } from './section.ts';
import { orderOf, pairedRatio, type Spread, spread } from './statistics.ts';
import { removeVaultFolder, type VaultFolder } from './vault_folder.ts';
import { startVault, type VaultProcess } from './vault_process.ts';

const COUNT = 100_000;
const ROUNDS = 3;
/** A second. */
const AIM = 2_000;
/** Shares of the import at which memory is measured. */
const MARKS = [0.25, 0.5, 0.75, 0.95] as const;

interface Round {
  readonly rate: number;
  /** Microseconds of CPU a connection. */
  readonly importer: number;
  readonly vault: number;
  readonly memory: readonly { readonly importer: Memory; readonly vault: Memory }[];
}

/**
 * Imports with `token-vault import jsonl --verify on-first-use`, compared with the same program against an echo server, or
 * with the base.
 */
export async function benchImport(bench: Bench): Promise<SectionReport> {
  if (bench.base !== undefined) return benchImportWithBase(bench, bench.base);
  bench.progress(`import: writing ${COUNT} lines`);
  const folder = mkdtempSync(join(tmpdir(), 'import-bench-'));
  try {
    const file = await writeLines(join(folder, 'in.jsonl'), 0, COUNT);
    const rounds = bench.rounds(ROUNDS);
    const vault: Round[] = [];
    const echo: number[] = [];
    const plain: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const runs = {
        vault: async () => void vault.push(await importToVault(bench, file, round)),
        echo: async () => void echo.push(await importToEcho(file)),
        plain: async () => void plain.push(await plainInserts(folder, round)),
      };
      for (const name of orderOf(['vault', 'echo', 'plain'] as const, round)) {
        bench.progress(`import: ${name}, round ${round + 1} of ${rounds}`);
        await runs[name]();
      }
    }
    return { title: `Import: ${COUNT} connections, on first use`, figures: figuresOf(vault, echo, plain) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function importToVault(bench: Bench, file: string, round: number): Promise<Round> {
  const folder = await fillVault({ connections: 0, accessTokens: 'none' });
  try {
    const vault = await startVault(folder, 'http://127.0.0.1:9');
    try {
      return await measure(bench, vault, folder, file, round);
    } finally {
      await vault.stop();
    }
  } finally {
    removeVaultFolder(folder);
  }
}

async function measure(
  bench: Bench,
  vault: VaultProcess,
  folder: VaultFolder,
  file: string,
  round: number,
): Promise<Round> {
  const key = join(folder.path, 'api-key');
  writeFileSync(key, folder.apiKey, { mode: 0o600 });
  const before = await vault.process.usage();
  const profiled = bench.profileFolder !== undefined && round === 0 ? bench.profileFolder : undefined;
  const started = performance.now();
  const importer = startImporter(file, { address: `127.0.0.1:${vault.tokenPort}`, apiKeyFile: key });
  const ended = once(importer.child, 'exit');
  if (profiled !== undefined) await Promise.all([vault.process.startProfile(), importer.startProfile()]);

  const memory: Round['memory'][number][] = [];
  let importerCpu = 0;
  for (const mark of MARKS) {
    await untilStored(vault, Math.floor(COUNT * mark));
    memory.push({ importer: await importer.memory(), vault: await vault.process.memory() });
    importerCpu = (await importer.usage()).cpu / (COUNT * mark);
    if (profiled !== undefined && mark === 0.5) {
      writeFileSync(join(profiled, 'import_vault.cpuprofile'), JSON.stringify(await vault.process.stopProfile()));
      writeFileSync(join(profiled, 'import_importer.cpuprofile'), JSON.stringify(await importer.stopProfile()));
    }
  }
  await assertSucceeded(importer, ended);
  const seconds = (performance.now() - started) / 1_000;
  const imported = await vault.counter('tokenvault_imports_total{outcome="GRANTED"}');
  if (imported !== COUNT) throw new Error(`the vault counts ${imported} imports of ${COUNT}`);
  const after = await vault.process.usage();
  return { rate: COUNT / seconds, importer: importerCpu, vault: (after.cpu - before.cpu) / COUNT, memory };
}

async function importToEcho(file: string): Promise<number> {
  const echo = startProcess({ script: 'import_echo_server.ts' });
  try {
    const port = (await messageOf(echo.child, 'port')) as number;
    const started = performance.now();
    const importer = startImporter(file, { address: `127.0.0.1:${port}` });
    await assertSucceeded(importer, once(importer.child, 'exit'));
    return COUNT / ((performance.now() - started) / 1_000);
  } finally {
    await echo.stop();
  }
}

async function plainInserts(folder: string, round: number): Promise<number> {
  const path = mkdtempSync(join(folder, `plain-${round}-`));
  const inserts = startProcess({ script: 'plain_inserts.ts', args: [path, String(COUNT)] });
  const rate = (await messageOf(inserts.child, 'rate')) as number;
  await inserts.stop();
  rmSync(path, { recursive: true, force: true });
  return rate;
}

function figuresOf(vault: readonly Round[], echo: readonly number[], plain: readonly number[]): Figure[] {
  const rates = vault.map(({ rate }) => rate);
  const held = (who: 'importer' | 'vault', at: number): Spread =>
    spread(
      vault.map(({ memory }) => (memory[at]?.[who].heap ?? Number.NaN) + (memory[at]?.[who].external ?? Number.NaN)),
    );
  const resident = (who: 'importer' | 'vault', at: number): Spread =>
    spread(vault.map(({ memory }) => memory[at]?.[who].resident ?? Number.NaN));
  return [
    { name: 'vault', value: spread(rates), unit: 'calls/s', aim: { atLeast: AIM } },
    { name: 'echo, by the same program', value: spread(echo), unit: 'calls/s' },
    { name: 'plain inserts, 64 a commit', value: spread(plain), unit: 'calls/s' },
    { name: 'vault / echo', value: pairedRatio(rates, echo), unit: 'ratio' },
    { name: 'time in all', value: spread(rates.map((rate) => (COUNT / rate) * 1_000)), unit: 'ms' },
    { name: 'vault, CPU a connection', value: spread(vault.map((round) => round.vault)), unit: 'us' },
    { name: 'importer, CPU a connection', value: spread(vault.map((round) => round.importer)), unit: 'us' },
    ...(['importer', 'vault'] as const).flatMap((who) =>
      MARKS.flatMap((mark, at): Figure[] => [
        { name: `${who}, heap and external at ${mark * 100} %`, value: held(who, at), unit: 'bytes' },
        { name: `${who}, resident at ${mark * 100} %`, value: resident(who, at), unit: 'bytes' },
      ]),
    ),
  ];
}
