import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { moduleIn } from './base_checkout.ts';
import type { HandlerResult, HandlerRound, HandlerRun } from './called_handler.ts';
import * as fillingHere from './filled_vault.ts';
import { FRAME_HEAD } from './grpc_frame.ts';
import { messageOf } from './processes.ts';
import type { Bench, Figure, SectionReport } from './section.ts';
import { orderOf, pairedRatio, quantile, spread } from './statistics.ts';
import { removeVaultFolder } from './vault_folder.ts';
import { GET_ACCESS_TOKEN, requestFrame, SOURCES, servedFrom, startVault, type VaultProcess } from './vault_process.ts';

/** One connection shows the vault's own code; many in rotation, what its memory costs. */
const SHAPES = [
  { callsPerTurn: 8, connections: 1 },
  { callsPerTurn: 64, connections: 1 },
  { callsPerTurn: 8, connections: 10_000 },
] as const;
type Shape = (typeof SHAPES)[number];

const ROUNDS = 24;
const CALLS = 4_096;
/** Until V8 has compiled all that a hit runs through. */
const WARM_UP_CALLS = 60_000;
const PROFILED_CALLS = 200_000;
const MOST_CONNECTIONS = 10_000;
/** Where the servers run: both wait for the same other programs. */
const CORE = '1';

interface Peer {
  readonly name: string;
  readonly vault: VaultProcess;
  readonly filling: typeof fillingHere;
}

/**
 * GetAccessToken from the cache by its handler alone, without sockets, HTTP/2 and grpc-js: authentication, authorization,
 * limits, metrics and the audit log on. The value of a round is the lower quartile of its slices, so that other programs on
 * the machine matter less.
 */
export async function benchInProcess(bench: Bench): Promise<SectionReport> {
  const peers: Peer[] = [];
  try {
    // The sources, because a bundle hides its copy of grpc-js, whose handlers are called.
    peers.push(await startPeer(bench, 'vault', fillingHere, SOURCES));
    if (bench.base !== undefined) {
      const filling = (await import(moduleIn(bench.base, 'filled_vault.ts'))) as typeof fillingHere;
      peers.push(await startPeer(bench, 'base', filling, resolve(bench.base, 'src/main.ts')));
    }
    const figures: Figure[] = [];
    for (const shape of SHAPES) figures.push(...(await compare(bench, peers, shape)));
    if (bench.profileFolder !== undefined) await profile(peers, bench.profileFolder);
    return { title: 'In process: CPU of a hit without sockets', figures };
  } finally {
    for (const { vault } of peers) {
      await vault.stop();
      removeVaultFolder(vault.folder);
    }
  }
}

async function startPeer(bench: Bench, name: string, filling: typeof fillingHere, program: string): Promise<Peer> {
  bench.progress(`in process: filling ${name}`);
  const folder = await filling.fillVault({ connections: MOST_CONNECTIONS, accessTokens: 'live' });
  const vault = await startVault(folder, 'http://127.0.0.1:9', { program, imports: ['called_handler.ts'] });
  // Best effort: other systems have no taskset.
  spawnSync('taskset', ['-a', '-p', '-c', CORE, String(vault.process.child.pid)]);
  return { name, vault, filling };
}

async function compare(bench: Bench, peers: readonly Peer[], shape: Shape): Promise<Figure[]> {
  const { callsPerTurn, connections } = shape;
  const costs = new Map<string, number[]>(peers.map(({ name }) => [name, []]));
  const rounds = bench.rounds(ROUNDS);
  for (const peer of peers) await warmUp(peer, shape);
  bench.progress(`in process: ${callsPerTurn} calls a turn, ${connections} connections, ${rounds} rounds`);
  for (let round = 0; round < rounds; round += 1)
    for (const { name, vault } of orderOf(peers, round)) costs.get(name)?.push(await cpuOfCall(vault, callsPerTurn));
  const at = `${callsPerTurn} calls a turn, ${connections} connection${connections === 1 ? '' : 's'}`;
  const figures = [...costs].map(([name, all]): Figure => ({ name: `${name}, ${at}`, value: spread(all), unit: 'ns' }));
  const [own = [], base] = [...costs.values()];
  if (base !== undefined) figures.push({ name: `vault / base, ${at}`, value: pairedRatio(own, base), unit: 'ratio' });
  return figures;
}

async function warmUp({ vault, filling }: Peer, { callsPerTurn, connections }: Shape): Promise<void> {
  const request = (at: number) => requestFrame(filling.connectionAt(at)).subarray(FRAME_HEAD).toString('base64');
  const prepare: HandlerRun = {
    path: GET_ACCESS_TOKEN,
    apiKey: vault.folder.apiKey,
    requests: Array.from({ length: connections }, (_, at) => request(at)),
  };
  vault.process.child.send({ prepare });
  await runRound(vault, { callsPerTurn, calls: Math.max(WARM_UP_CALLS, connections) });
}

/** In nanoseconds. */
async function cpuOfCall(vault: VaultProcess, callsPerTurn: number): Promise<number> {
  const before = await servedFrom(vault, 'CACHE');
  const { cpu } = await runRound(vault, { callsPerTurn, calls: CALLS });
  const hits = (await servedFrom(vault, 'CACHE')) - before;
  if (hits !== CALLS) throw new Error(`${hits} of ${CALLS} calls were hits`);
  return quantile(cpu, 0.25);
}

async function runRound(vault: VaultProcess, round: HandlerRound): Promise<HandlerResult> {
  vault.process.child.send({ round });
  return (await messageOf(vault.process.child, 'result')) as HandlerResult;
}

async function profile(peers: readonly Peer[], folder: string): Promise<void> {
  for (const peer of peers) {
    await warmUp(peer, SHAPES[0]);
    await peer.vault.process.startProfile();
    await runRound(peer.vault, { callsPerTurn: SHAPES[0].callsPerTurn, calls: PROFILED_CALLS });
    const file = `in_process_${peer.name}.cpuprofile`;
    writeFileSync(join(folder, file), JSON.stringify(await peer.vault.process.stopProfile()));
  }
}
