import type { Bench, SectionReport } from './section.ts';
import { orderOf, spread } from './statistics.ts';
import { startVault } from './vault_process.ts';

const MANY = 100_000;
const ROUNDS = 8;
/** Milliseconds. */
const AIM = 1_000;

/** From the start of the process until /readyz succeeds, with many stored connections and with none. */
export async function benchStartup(bench: Bench): Promise<SectionReport> {
  bench.progress(`startup: a vault with ${MANY} connections`);
  const folders = {
    none: await bench.filled({ connections: 0, accessTokens: 'stale' }),
    many: await bench.filled({ connections: MANY, accessTokens: 'stale' }),
  } as const;
  const times: Record<keyof typeof folders, number[]> = { none: [], many: [] };
  const rounds = bench.rounds(ROUNDS);
  for (let round = 0; round < rounds; round += 1) {
    bench.progress(`startup: round ${round + 1} of ${rounds}`);
    for (const name of orderOf(['none', 'many'] as const, round)) {
      const vault = await startVault(folders[name], 'http://127.0.0.1:9');
      times[name].push(vault.startTime);
      await vault.stop();
    }
  }
  const more = times.many.map((time, round) => time - (times.none[round] ?? Number.NaN));
  return {
    title: 'Start-up: from the start of the process until it is ready',
    figures: [
      { name: 'no connections', value: spread(times.none), unit: 'ms' },
      { name: `${MANY} connections`, value: spread(times.many), unit: 'ms' },
      { name: 'more with them', value: spread(more), unit: 'ms', aim: { atMost: AIM } },
    ],
  };
}
