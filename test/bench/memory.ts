import { startBaseVault } from './base_checkout.ts';
import { connectionAt, type Filling } from './filled_vault.ts';
import { assertAllGood } from './load.ts';
import type { Memory } from './probe.ts';
import { STORED_TOKEN_BYTES } from './sample_connection.ts';
import type { Bench, Figure, SectionReport } from './section.ts';
import { pairedRatio, spread } from './statistics.ts';
import { removeVaultFolder } from './vault_folder.ts';
import {
  requestFrame,
  servedFrom,
  startVault,
  untilUsageIsWritten,
  type VaultProcess,
  vaultTarget,
} from './vault_process.ts';

const WARM_UP = 2_000;
const STEP = 4_000;
const STEPS = 3;
const AIM = 6 * 1_024;
const AIM_OF_BASE = 0.92;
const LEAST_ANSWER = 1_000;
/** No request is sent to Entra: all tokens are valid. */
const NO_ENTRA = 'http://127.0.0.1:9';

interface Sizes {
  readonly heap: number[];
  readonly resident: number[];
}

/** Memory of one more cached token, with its connection's snapshot and its encoded response. */
export async function benchMemory(bench: Bench): Promise<SectionReport> {
  const steps = bench.rounds(STEPS);
  const connections = WARM_UP + STEP * steps;
  const filling: Filling = { connections, accessTokens: 'live' };
  bench.progress(`memory: filling a vault with ${connections} valid tokens of ${STORED_TOKEN_BYTES} bytes`);
  const own = await startVault(await bench.filled(filling), NO_ENTRA);
  const base = bench.base === undefined ? undefined : await startBaseVault(bench.base, filling, NO_ENTRA);
  const vaults = base === undefined ? [own] : [own, base.vault];
  try {
    // At the same time, because most of it is the wait for the writer of the usage.
    const [sizes, baseSizes] = await Promise.all(vaults.map((vault) => measureSteps(bench, vault, steps)));
    return {
      title: `Memory of a cached token of ${STORED_TOKEN_BYTES} bytes`,
      figures: figuresOf(sizes ?? { heap: [], resident: [] }, baseSizes),
    };
  } finally {
    for (const vault of vaults) await vault.stop();
    if (base !== undefined) removeVaultFolder(base.folder);
  }
}

async function measureSteps(bench: Bench, vault: VaultProcess, steps: number): Promise<Sizes> {
  const sizes: Sizes = { heap: [], resident: [] };
  await serveTwice(bench, vault, 0, WARM_UP);
  let before = await settledMemory(vault);
  for (let step = 0; step < steps; step += 1) {
    bench.progress(`memory: ${STEP} more tokens, step ${step + 1} of ${steps}`);
    await serveTwice(bench, vault, WARM_UP + step * STEP, STEP);
    const after = await settledMemory(vault);
    sizes.heap.push((held(after) - held(before)) / STEP);
    sizes.resident.push((after.resident - before.resident) / STEP);
    before = after;
  }
  const fromMemory = await servedFrom(vault, 'CACHE');
  if (fromMemory !== WARM_UP + STEP * steps) throw new Error(`only ${fromMemory} tokens were cached`);
  return sizes;
}

async function settledMemory(vault: VaultProcess): Promise<Memory> {
  await untilUsageIsWritten(vault);
  return vault.process.memory();
}

/** The second time from the cache, so that everything a hit stores is in memory. */
async function serveTwice(bench: Bench, vault: VaultProcess, first: number, count: number): Promise<void> {
  let next = 0;
  const frame = () => {
    next += 1;
    return requestFrame(connectionAt(first + ((next - 1) % count)));
  };
  const target = vaultTarget(vault, frame, LEAST_ANSWER);
  for (let pass = 0; pass < 2; pass += 1) {
    assertAllGood(target, await bench.clientLoad.run(target, { streams: 8, seconds: 600, most: count }));
  }
}

function figuresOf({ heap, resident }: Sizes, base: Sizes | undefined): Figure[] {
  const figures: Figure[] = [
    { name: 'heap and external, a token', value: spread(heap), unit: 'bytes', aim: { atMost: AIM } },
    { name: 'resident, a token', value: spread(resident), unit: 'bytes' },
  ];
  if (base === undefined) return figures;
  const ratio = pairedRatio(heap, base.heap);
  return [
    ...figures,
    { name: 'heap and external: vault / base', value: ratio, unit: 'ratio', aim: { atMost: AIM_OF_BASE } },
    { name: 'base, heap and external, a token', value: spread(base.heap), unit: 'bytes' },
  ];
}

function held({ heap, external }: Memory): number {
  return heap + external;
}
