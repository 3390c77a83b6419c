import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { toBinary } from '@bufbuild/protobuf';
import { GetAccessTokenResponseSchema, TokenService } from '../../src/gen/tokenvault/v1/token_service_pb.ts';
import { BARE_PATH } from './bare_server.ts';
import { startFakeEntra } from './fake_entra.ts';
import { connectionAt } from './filled_vault.ts';
import { FRAME_HEAD } from './grpc_frame.ts';
import { assertAllGood, type LoadResult, ratePerSecond, type Target } from './load.ts';
import { messageOf, type ServerProcess, startProcess } from './processes.ts';
import type { Bench, Figure, SectionReport } from './section.ts';
import { orderOf, pairedRatio, quantile, spread } from './statistics.ts';
import { requestFrame, servedFrom, startVault, type VaultProcess, vaultTarget } from './vault_process.ts';

/** Concurrent streams on one connection, and the minimum share of the throughput of the echo servers there. */
const STREAMS = [
  { streams: 1, aim: 0.85 },
  { streams: 16, aim: 1.0, tunedAim: 0.85 },
  { streams: 64, aim: 1.0, tunedAim: 0.85 },
] as const;

const ROUNDS = 18;
const SECONDS = 1;

export interface Peer {
  readonly target: Target;
  readonly process: ServerProcess;
}

interface Measured extends LoadResult {
  /** Microseconds of the server's CPU per response. */
  readonly cpu: number;
  /** Microseconds of its pauses for garbage collection per response. */
  readonly gc: number;
}

/** GetAccessToken from the cache, compared with minimal servers: rounds in changing order, ratios within a round. */
export async function benchHit(bench: Bench): Promise<SectionReport> {
  const entra = await startFakeEntra('RS256');
  const vault = await startVault(await bench.filled({ connections: 1, accessTokens: 'none' }), entra.url);
  const answerBytes = await warmAnswerBytes(vault);
  const frame = requestFrame(connectionAt(0));
  const peers: Peer[] = [
    { target: vaultTarget(vault, frame, answerBytes), process: vault.process },
    await startBare('echo', 'echo_server.ts', frame, answerBytes),
    await startBare('tuned echo', 'tuned_echo_server.ts', frame, answerBytes),
    await startBare('ready buffer', 'ready_buffer_server.ts', frame, answerBytes),
  ];
  const figures: Figure[] = [];
  try {
    for (const { streams, ...aims } of STREAMS) {
      const results = new Map<string, Measured[]>(peers.map(({ target }) => [target.name, []]));
      for (const peer of peers) await measure(bench, peer, streams);
      const rounds = bench.rounds(ROUNDS);
      const servedBefore = await servedFrom(vault, 'CACHE');
      for (let round = 0; round < rounds; round += 1) {
        bench.progress(`hit: ${streams} in flight, round ${round + 1} of ${rounds}`);
        for (const peer of orderOf(peers, round)) {
          results.get(peer.target.name)?.push(await measure(bench, peer, streams));
        }
      }
      const answers = (results.get('vault') ?? []).reduce((sum, one) => sum + one.answers, 0);
      assertServed((await servedFrom(vault, 'CACHE')) - servedBefore, answers);
      figures.push(...figuresOf(results, streams, aims));
    }
    if (bench.profileFolder !== undefined) await profileHit(bench, vault, peers[0], bench.profileFolder);
  } finally {
    for (const { process } of peers) await process.stop();
    await vault.stop();
    await entra.process.stop();
  }
  return { title: `Hit: GetAccessToken from the cache, responses of ${answerBytes} bytes, one connection`, figures };
}

/** Repeats the call until the cache serves it. */
export async function warmAnswerBytes(vault: VaultProcess): Promise<number> {
  const ask = () =>
    vault.client.call(TokenService.method.getAccessToken, { connection: connectionAt(0), scopes: ['Mail.ReadOnly'] });
  await ask();
  return toBinary(GetAccessTokenResponseSchema, await ask()).length + FRAME_HEAD;
}

/** A server that does less. */
export async function startBare(name: string, script: string, frame: Buffer, answerBytes: number): Promise<Peer> {
  const process = startProcess({ script, args: [String(answerBytes - FRAME_HEAD)] });
  const port = (await messageOf(process.child, 'port')) as number;
  return { target: { name, port, path: BARE_PATH, frame, answerBytes }, process };
}

export async function measure(bench: Bench, { target, process }: Peer, streams: number): Promise<Measured> {
  const before = await process.usage();
  const result = await bench.load.run(target, { streams, seconds: SECONDS });
  const { cpu, gc } = await process.usage();
  assertAllGood(target, result);
  const each = (since: number, until: number) => (until - since) / result.answers;
  return { ...result, cpu: each(before.cpu, cpu), gc: each(before.gc, gc) };
}

/** The load generator ignores grpc-status, so the vault must have counted every response as a cache hit. */
function assertServed(counted: number, answers: number): void {
  if (counted !== answers) throw new Error(`the vault counted ${counted} hits for ${answers} responses`);
}

interface Aims {
  readonly aim: number;
  readonly tunedAim?: number;
}

function figuresOf(
  results: ReadonlyMap<string, readonly Measured[]>,
  streams: number,
  { aim, tunedAim }: Aims,
): Figure[] {
  const of = (name: string, value: (result: Measured) => number) => (results.get(name) ?? []).map(value);
  const rates = (name: string) => of(name, ratePerSecond);
  const at = `${streams} in flight`;
  const figures: Figure[] = [
    {
      name: `vault / echo, ${at}`,
      value: pairedRatio(rates('vault'), rates('echo')),
      unit: 'ratio',
      aim: { atLeast: aim },
    },
    {
      name: `vault / tuned echo, ${at}`,
      value: pairedRatio(rates('vault'), rates('tuned echo')),
      unit: 'ratio',
      ...(tunedAim !== undefined && { aim: { atLeast: tunedAim } }),
    },
    { name: `vault / ready buffer, ${at}`, value: pairedRatio(rates('vault'), rates('ready buffer')), unit: 'ratio' },
  ];
  for (const name of results.keys()) {
    figures.push(
      { name: `${name}, ${at}`, value: spread(rates(name)), unit: 'calls/s' },
      { name: `${name}, ${at}, p50`, value: spread(of(name, (one) => quantile(one.latencies, 0.5))), unit: 'us' },
      { name: `${name}, ${at}, p99`, value: spread(of(name, (one) => quantile(one.latencies, 0.99))), unit: 'us' },
      { name: `${name}, ${at}, CPU a call`, value: spread(of(name, (one) => one.cpu)), unit: 'us' },
      { name: `${name}, ${at}, GC pauses a call`, value: spread(of(name, (one) => one.gc)), unit: 'us' },
    );
  }
  return figures;
}

async function profileHit(bench: Bench, vault: VaultProcess, peer: Peer | undefined, folder: string): Promise<void> {
  if (peer === undefined) return;
  bench.progress('hit: a profile at 16 in flight');
  await vault.process.startProfile();
  await bench.load.run(peer.target, { streams: 16, seconds: 4 });
  writeFileSync(join(folder, 'hit.cpuprofile'), JSON.stringify(await vault.process.stopProfile()));
}
