import { connectionAt } from './filled_vault.ts';
import { assertAllGood } from './load.ts';
import type { Memory } from './probe.ts';
import { STORED_TOKEN_BYTES } from './sample_connection.ts';
import type { Bench, SectionReport } from './section.ts';
import { spread } from './statistics.ts';
import { requestFrame, servedFrom, startVault, type VaultProcess, vaultTarget } from './vault_process.ts';

const WARM_UP = 2_000;
const STEP = 2_000;
const STEPS = 5;
const AIM = 6 * 1_024;
const LEAST_ANSWER = 1_000;

/** Memory of one more cached token, with its connection's snapshot and its encoded response. */
export async function benchMemory(bench: Bench): Promise<SectionReport> {
  const connections = WARM_UP + STEP * STEPS;
  bench.progress(`memory: filling a vault with ${connections} valid tokens of ${STORED_TOKEN_BYTES} bytes`);
  const folder = await bench.filled({ connections, accessTokens: 'live' });
  // No request to Entra: all tokens are valid.
  const vault = await startVault(folder, 'http://127.0.0.1:9');
  const heap: number[] = [];
  const resident: number[] = [];
  try {
    await serveTwice(bench, vault, 0, WARM_UP);
    let before = await vault.process.memory();
    for (let step = 0; step < STEPS; step += 1) {
      bench.progress(`memory: ${STEP} more tokens, step ${step + 1} of ${STEPS}`);
      await serveTwice(bench, vault, WARM_UP + step * STEP, STEP);
      const after = await vault.process.memory();
      heap.push((held(after) - held(before)) / STEP);
      resident.push((after.resident - before.resident) / STEP);
      before = after;
    }
    const fromMemory = await servedFrom(vault, 'CACHE');
    if (fromMemory !== connections) throw new Error(`only ${fromMemory} of ${connections} tokens were cached`);
  } finally {
    await vault.stop();
  }
  return {
    title: `Memory of a cached token of ${STORED_TOKEN_BYTES} bytes`,
    figures: [
      { name: 'heap and external, a token', value: spread(heap), unit: 'bytes', aim: { atMost: AIM } },
      { name: 'resident, a token', value: spread(resident), unit: 'bytes' },
    ],
  };
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
    assertAllGood(target, await bench.clientLoad.run(target, { streams: 8, seconds: 120, most: count }));
  }
}

function held({ heap, external }: Memory): number {
  return heap + external;
}
