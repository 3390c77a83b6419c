import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { TokenSource } from '../../src/gen/tokenvault/v1/access_token_pb.ts';
import {
  BatchGetAccessTokensRequestSchema,
  BatchGetAccessTokensResponseSchema,
  TokenService,
} from '../../src/gen/tokenvault/v1/token_service_pb.ts';
import { startFakeEntra } from './fake_entra.ts';
import { connectionAt, type Filling } from './filled_vault.ts';
import { FRAME_HEAD, grpcFrame, methodPath } from './grpc_frame.ts';
import { measure, type Peer, profileLoad, warmAnswerBytes } from './hit.ts';
import type { Bench, Figure, SectionReport } from './section.ts';
import { orderOf, pairedRatio, spread } from './statistics.ts';
import { requestFrame, servedFrom, startVault, type VaultProcess, vaultTarget } from './vault_process.ts';

const TOKENS = 100;
const ROUNDS = 18;
/** Concurrent streams on one connection. */
const SINGLE_STREAMS = 16;
const BATCH_STREAMS = [1, 4] as const;
const FILLING: Filling = { connections: TOKENS, accessTokens: 'live' };

/** BatchGetAccessTokens of 100 cached tokens, compared with GetAccessToken on the same vault: CPU for each token. */
export async function benchBatch(bench: Bench): Promise<SectionReport> {
  const entra = await startFakeEntra('RS256');
  const vault = await startVault(await bench.filled(FILLING), entra.url);
  const figures: Figure[] = [];
  try {
    const single = peerOf(vault, requestFrame(connectionAt(0)), await warmAnswerBytes(vault));
    const batch = peerOf(vault, grpcFrame(BATCH), await warmBatch(vault), BATCH_PATH);
    for (const streams of BATCH_STREAMS) figures.push(...(await compare(bench, vault, { single, batch, streams })));
    if (bench.profileFolder !== undefined) await profileLoad(bench, batch, { name: 'batch', streams: 4 });
  } finally {
    await vault.stop();
    await entra.process.stop();
  }
  return { title: `Batch: BatchGetAccessTokens of ${TOKENS} cached tokens, one connection`, figures };
}

interface Compared {
  readonly single: Peer;
  readonly batch: Peer;
  readonly streams: number;
}

async function compare(bench: Bench, vault: VaultProcess, { single, batch, streams }: Compared): Promise<Figure[]> {
  const perToken = { single: [] as number[], batch: [] as number[] };
  const rates: number[] = [];
  for (let round = -2; round < bench.rounds(ROUNDS); round += 1) {
    bench.progress(`batch: ${streams} in flight, round ${round + 1}`);
    for (const peer of orderOf([single, batch], round + 2)) {
      const tokens = peer === batch ? TOKENS : 1;
      const before = await servedFrom(vault, 'CACHE');
      const { cpu, answers, seconds } = await measure(bench, peer, peer === batch ? streams : SINGLE_STREAMS);
      const served = (await servedFrom(vault, 'CACHE')) - before;
      if (served !== answers * tokens) throw new Error(`${served} hits for ${answers} responses of ${tokens} tokens`);
      if (round < 0) continue;
      perToken[peer === batch ? 'batch' : 'single'].push(cpu / tokens);
      if (peer === batch) rates.push(served / seconds);
    }
  }
  const at = `${streams} in flight`;
  return [
    {
      name: `CPU a token / single calls, ${at}`,
      value: pairedRatio(perToken.batch, perToken.single),
      unit: 'ratio',
      aim: { atMost: 1 / 3 },
    },
    { name: `CPU a token, ${at}`, value: spread(perToken.batch), unit: 'us' },
    { name: `CPU of a single call, ${SINGLE_STREAMS} in flight`, value: spread(perToken.single), unit: 'us' },
    { name: `tokens, ${at}`, value: spread(rates), unit: '/s' },
  ];
}

const BATCH_PATH = methodPath(TokenService.method.batchGetAccessTokens);

const BATCH = toBinary(
  BatchGetAccessTokensRequestSchema,
  create(BatchGetAccessTokensRequestSchema, {
    requests: Array.from({ length: TOKENS }, (_, at) => ({ connection: connectionAt(at), scopes: ['Mail.ReadOnly'] })),
  }),
);

function peerOf(vault: VaultProcess, frame: Buffer, answerBytes: number, path?: string): Peer {
  const target = vaultTarget(vault, frame, answerBytes);
  return { target: path === undefined ? target : { ...target, path }, process: vault.process };
}

/** Repeats the batch until the cache serves all of it. */
async function warmBatch(vault: VaultProcess): Promise<number> {
  const request = fromBinary(BatchGetAccessTokensRequestSchema, BATCH);
  for (;;) {
    const response = await vault.client.call(TokenService.method.batchGetAccessTokens, request);
    const isHit = response.results.every(
      ({ result }) => result.case === 'token' && result.value.source === TokenSource.CACHE,
    );
    if (isHit) return toBinary(BatchGetAccessTokensResponseSchema, response).length + FRAME_HEAD;
  }
}
