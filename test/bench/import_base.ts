import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { startBaseVault } from './base_checkout.ts';
import { type Filling, fillVault } from './filled_vault.ts';
import { assertSucceeded, startImporter, untilStored, writeLines } from './import_lines.ts';
import type { Bench, Figure, SectionReport } from './section.ts';
import { orderOf, pairedRatio, spread } from './statistics.ts';
import { removeVaultFolder } from './vault_folder.ts';
import { startVault, type VaultProcess } from './vault_process.ts';

const ROUNDS = 12;
/** A round's import. */
const LINES = 8_000;
/** Of these lines: starts and ends of programs are not measured. */
const MEASURED = { from: 400, to: 7_600 } as const;
const AIM = 1.3;
const EMPTY: Filling = { connections: 0, accessTokens: 'none' };
const NO_ENTRA = 'http://127.0.0.1:9';

interface Peer {
  readonly name: string;
  readonly vault: VaultProcess;
  /** Undefined: the bundle of this checkout. */
  readonly program: string | undefined;
}

interface Round {
  readonly rate: number;
  /** Microseconds of CPU a connection. */
  readonly vault: number;
  readonly importer: number;
}

/** Imports by the program of this checkout and of the base into their vaults, in turns: each round the next lines, into databases that grow. */
export async function benchImportWithBase(bench: Bench, base: string): Promise<SectionReport> {
  const folder = mkdtempSync(join(tmpdir(), 'import-bench-'));
  const own = await startVault(await fillVault(EMPTY), NO_ENTRA);
  const peers: Peer[] = [{ name: 'vault', vault: own, program: undefined }];
  try {
    const { vault } = await startBaseVault(base, EMPTY, NO_ENTRA);
    peers.push({ name: 'base', vault, program: resolve(base, 'src/main.ts') });
    const results = new Map<string, Round[]>(peers.map(({ name }) => [name, []]));
    // The first round is a warm-up.
    for (let round = 0; round <= bench.rounds(ROUNDS); round += 1) {
      const from = round * LINES;
      const file = await writeLines(join(folder, `${round}.jsonl`), from, LINES);
      for (const peer of orderOf(peers, round)) {
        bench.progress(`import: ${peer.name}, round ${round} of ${bench.rounds(ROUNDS)}`);
        const measured = await importInto(peer, file, from);
        if (round > 0) results.get(peer.name)?.push(measured);
      }
      rmSync(file);
    }
    return {
      title: `Import: ${LINES} connections a round, on first use, and by the base`,
      figures: figuresOf(results),
    };
  } finally {
    for (const { vault } of peers) {
      await vault.stop();
      removeVaultFolder(vault.folder);
    }
    rmSync(folder, { recursive: true, force: true });
  }
}

async function importInto({ vault, program }: Peer, file: string, from: number): Promise<Round> {
  const apiKeyFile = join(vault.folder.path, 'api-key');
  writeFileSync(apiKeyFile, vault.folder.apiKey, { mode: 0o600 });
  const importer = startImporter(file, { address: `127.0.0.1:${vault.tokenPort}`, apiKeyFile, program });
  const exited = once(importer.child, 'exit');
  const usage = async () => ({ vault: (await vault.process.usage()).cpu, importer: (await importer.usage()).cpu });

  await untilStored(vault, from + MEASURED.from);
  const [started, before] = [performance.now(), await usage()];
  await untilStored(vault, from + MEASURED.to);
  const [ended, after] = [performance.now(), await usage()];
  await assertSucceeded(importer, exited);
  const count = MEASURED.to - MEASURED.from;
  return {
    rate: count / ((ended - started) / 1_000),
    vault: (after.vault - before.vault) / count,
    importer: (after.importer - before.importer) / count,
  };
}

function figuresOf(results: ReadonlyMap<string, readonly Round[]>): Figure[] {
  const [own = [], base = []] = [...results.values()];
  const compared = (value: (round: Round) => number) => pairedRatio(own.map(value), base.map(value));
  return [
    { name: 'vault / base', value: compared(({ rate }) => rate), unit: 'ratio', aim: { atLeast: AIM } },
    { name: 'vault / base, CPU of the vault', value: compared(({ vault }) => vault), unit: 'ratio' },
    { name: 'vault / base, CPU of the importer', value: compared(({ importer }) => importer), unit: 'ratio' },
    ...[...results].flatMap(([name, rounds]): Figure[] => [
      { name: `${name}, connections`, value: spread(rounds.map(({ rate }) => rate)), unit: '/s' },
      { name: `${name}, CPU a connection`, value: spread(rounds.map(({ vault }) => vault)), unit: 'us' },
      { name: `importer of ${name}, CPU a connection`, value: spread(rounds.map((one) => one.importer)), unit: 'us' },
    ]),
  ];
}
