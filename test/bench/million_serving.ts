import { startFakeEntra } from './fake_entra.ts';
import { connectionAt } from './filled_vault.ts';
import { measure, type Peer, warmAnswerBytes } from './hit.ts';
import type { Bench, Figure } from './section.ts';
import { missTime } from './sizes.ts';
import { orderOf } from './statistics.ts';
import { flatFigures, type Pair } from './stored_pair.ts';
import { requestFrame, startVault, type VaultProcess, vaultTarget } from './vault_process.ts';

const HIT_ROUNDS = 14;
const MISS_ROUNDS = 12;
/** Until V8 has optimized what a miss runs through. */
const MISS_WARM_UPS = 6;
const STREAMS = 16;

/** The hit, and the first request for a connection whose stored token has expired, through two vaults. */
export async function benchServing(bench: Bench, pair: Pair): Promise<Figure[]> {
  const entra = await startFakeEntra('ES256');
  const vaults: VaultProcess[] = [];
  try {
    for (const { folder } of pair) vaults.push(await startVault(folder, entra.url));
    const misses = await measureMisses(bench, pair, vaults);
    return [...(await measureHits(bench, pair, vaults)), ...misses];
  } finally {
    for (const vault of vaults) await vault.stop();
    await entra.process.stop();
  }
}

async function measureHits(bench: Bench, pair: Pair, vaults: readonly VaultProcess[]): Promise<Figure[]> {
  const peers: Peer[] = [];
  for (const vault of vaults) {
    const target = vaultTarget(vault, requestFrame(connectionAt(0)), await warmAnswerBytes(vault));
    const peer = { target, process: vault.process };
    await measure(bench, peer, STREAMS);
    peers.push(peer);
  }
  const cpu: [number[], number[]] = [[], []];
  const rounds = bench.rounds(HIT_ROUNDS);
  for (let round = 0; round < rounds; round += 1) {
    bench.progress(`replicas: hits by connections stored, round ${round + 1} of ${rounds}`);
    for (const which of orderOf([0, 1] as const, round)) {
      const peer = peers[which];
      if (peer !== undefined) cpu[which].push((await measure(bench, peer, STREAMS)).cpu);
    }
  }
  return flatFigures('hit, CPU a call', 'us', pair, cpu);
}

async function measureMisses(bench: Bench, pair: Pair, vaults: readonly VaultProcess[]): Promise<Figure[]> {
  const times: [number[], number[]] = [[], []];
  const rounds = bench.rounds(MISS_ROUNDS);
  for (let round = -MISS_WARM_UPS; round < rounds; round += 1) {
    bench.progress(`replicas: misses by connections stored, round ${round + 1} of ${rounds}`);
    for (const which of orderOf([0, 1] as const, round + MISS_WARM_UPS)) {
      const vault = vaults[which];
      if (vault === undefined) continue;
      const time = await missTime(bench, { size: pair[which].connections, vault }, round + MISS_WARM_UPS);
      if (round >= 0) times[which].push(time);
    }
  }
  return flatFigures('miss, p50', 'us', pair, times);
}
