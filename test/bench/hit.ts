import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { toBinary } from '@bufbuild/protobuf';
import { GetAccessTokenResponseSchema, TokenService } from '../../src/gen/tokenvault/v1/token_service_pb.ts';
import { BARE_PATH } from './bare_server.ts';
import { startBaseVault } from './base_checkout.ts';
import { startFakeEntra } from './fake_entra.ts';
import { connectionAt, type Filling } from './filled_vault.ts';
import { FRAME_HEAD } from './grpc_frame.ts';
import { hitFigures } from './hit_figures.ts';
import { assertAllGood, type LoadResult, type Target } from './load.ts';
import { messageOf, type ServerProcess, startProcess } from './processes.ts';
import type { Bench, Figure, SectionReport } from './section.ts';
import { orderOf } from './statistics.ts';
import { removeVaultFolder } from './vault_folder.ts';
import { requestFrame, servedFrom, startVault, type VaultProcess, vaultTarget } from './vault_process.ts';

/** Concurrent streams on one connection, and the minimum share of the throughput of the echo servers there. */
const STREAMS = [
  { streams: 1, aim: 0.85 },
  { streams: 16, aim: 1.0, tunedAim: 0.85 },
  { streams: 64, aim: 1.0, tunedAim: 0.85, comparesTail: true },
] as const;

const ROUNDS = 18;
const SECONDS = 1;
/** Of all peers together, before the first round. */
const WARM_UP_MILLISECONDS = 60_000;
const FILLING: Filling = { connections: 1, accessTokens: 'none' };

export interface Peer {
  readonly target: Target;
  readonly process: ServerProcess;
}

interface VaultPeer extends Peer {
  readonly vault: VaultProcess;
}

export interface Measured extends LoadResult {
  /** Microseconds of the server's CPU per response. */
  readonly cpu: number;
  /** Those of its main thread. */
  readonly mainThread: number;
  /** Microseconds of its pauses for garbage collection per response. */
  readonly gc: number;
  /** Milliseconds of a collection of the young generation; NaN: there was none. */
  readonly meanScavenge: number;
}

/** GetAccessToken from the cache, compared with minimal servers: rounds in changing order, ratios within a round. */
export async function benchHit(bench: Bench): Promise<SectionReport> {
  const entra = await startFakeEntra('RS256');
  const ownVault = await startVault(await bench.filled(FILLING), entra.url);
  const base = bench.base === undefined ? undefined : await startBaseVault(bench.base, FILLING, entra.url);
  const own = await vaultPeer('vault', ownVault);
  const vaults = base === undefined ? [own] : [own, await vaultPeer('base', base.vault)];
  const { frame, answerBytes } = own.target;
  const bare = [
    await startBare('echo', 'echo_server.ts', frame, answerBytes),
    await startBare('tuned echo', 'tuned_echo_server.ts', frame, answerBytes),
    await startBare('ready buffer', 'ready_buffer_server.ts', frame, answerBytes),
  ];
  const peers: Peer[] = [...vaults, ...bare];
  const figures: Figure[] = [];
  try {
    await warmUp(bench, peers);
    for (const { streams, ...aims } of STREAMS) {
      figures.push(...hitFigures(await measureRounds(bench, peers, vaults, streams), streams, aims));
    }
    if (bench.profileFolder !== undefined) await profileLoad(bench, own, { name: 'hit', streams: 16 });
  } finally {
    for (const { process } of bare) await process.stop();
    for (const { vault } of vaults) await vault.stop();
    if (base !== undefined) removeVaultFolder(base.folder);
    await entra.process.stop();
  }
  return { title: `Hit: GetAccessToken from the cache, responses of ${answerBytes} bytes, one connection`, figures };
}

async function vaultPeer(name: string, vault: VaultProcess): Promise<VaultPeer> {
  const target = vaultTarget(vault, requestFrame(connectionAt(0)), await warmAnswerBytes(vault));
  return { target: { ...target, name }, process: vault.process, vault };
}

async function warmUp(bench: Bench, peers: readonly Peer[]): Promise<void> {
  const end = performance.now() + (bench.isQuick ? WARM_UP_MILLISECONDS / 3 : WARM_UP_MILLISECONDS);
  while (performance.now() < end) {
    bench.progress('hit: warm-up');
    for (const { streams } of STREAMS) for (const peer of peers) await measure(bench, peer, streams);
  }
}

async function measureRounds(
  bench: Bench,
  peers: readonly Peer[],
  vaults: readonly VaultPeer[],
  streams: number,
): Promise<ReadonlyMap<string, readonly Measured[]>> {
  const results = new Map<string, Measured[]>(peers.map(({ target }) => [target.name, []]));
  const rounds = bench.rounds(ROUNDS);
  const servedBefore = await Promise.all(vaults.map(({ vault }) => servedFrom(vault, 'CACHE')));
  for (let round = 0; round < rounds; round += 1) {
    bench.progress(`hit: ${streams} in flight, round ${round + 1} of ${rounds}`);
    for (const peer of orderOf(peers, round)) {
      results.get(peer.target.name)?.push(await measure(bench, peer, streams));
    }
  }
  for (const [at, { vault, target }] of vaults.entries()) {
    const answers = (results.get(target.name) ?? []).reduce((sum, one) => sum + one.answers, 0);
    assertServed(target.name, (await servedFrom(vault, 'CACHE')) - (servedBefore[at] ?? 0), answers);
  }
  return results;
}

/** Repeats the call until the cache serves it. */
export async function warmAnswerBytes(vault: VaultProcess): Promise<number> {
  const ask = () =>
    vault.client.call(TokenService.method.getAccessToken, { connection: connectionAt(0), scopes: ['Mail.ReadOnly'] });
  await ask();
  return toBinary(GetAccessTokenResponseSchema, await ask()).length + FRAME_HEAD;
}

/** A server that does less. */
export async function startBare(
  name: string,
  script: string,
  frame: Target['frame'],
  answerBytes: number,
): Promise<Peer> {
  const process = startProcess({ script, args: [String(answerBytes - FRAME_HEAD)] });
  const port = (await messageOf(process.child, 'port')) as number;
  return { target: { name, port, path: BARE_PATH, frame, answerBytes }, process };
}

export async function measure(bench: Bench, { target, process }: Peer, streams: number): Promise<Measured> {
  const before = await process.usage();
  const result = await bench.load.run(target, { streams, seconds: SECONDS });
  const after = await process.usage();
  assertAllGood(target, result);
  return {
    ...result,
    cpu: (after.cpu - before.cpu) / result.answers,
    mainThread: (after.mainThread - before.mainThread) / result.answers,
    gc: (after.gc - before.gc) / result.answers,
    meanScavenge: (after.scavenging - before.scavenging) / (after.scavenges - before.scavenges) / 1_000,
  };
}

/** The load generator ignores grpc-status, so the vault must have counted every response as a cache hit. */
function assertServed(name: string, counted: number, answers: number): void {
  if (counted !== answers) throw new Error(`${name} counted ${counted} hits for ${answers} responses`);
}

export async function profileLoad(
  { load, profileFolder = '.', progress }: Bench,
  { process, target }: Peer,
  { name, streams }: { readonly name: string; readonly streams: number },
): Promise<void> {
  progress(`${name}: a profile at ${streams} in flight`);
  await process.startProfile();
  await load.run(target, { streams, seconds: 4 });
  writeFileSync(join(profileFolder, `${name}.cpuprofile`), JSON.stringify(await process.stopProfile()));
}
