import { resolve } from 'node:path';
import { toBinary } from '@bufbuild/protobuf';
import { GetAccessTokenResponseSchema, TokenService } from '../../src/gen/tokenvault/v1/token_service_pb.ts';
import { moduleIn } from './base_checkout.ts';
import { startFakeEntra } from './fake_entra.ts';
import * as fillingHere from './filled_vault.ts';
import { FRAME_HEAD } from './grpc_frame.ts';
import { assertAllGood, ratePerSecond, type Target } from './load.ts';
import type { Bench, Figure, SectionReport } from './section.ts';
import { orderOf, pairedRatio, quantile, spread } from './statistics.ts';
import type { VaultFolder } from './vault_folder.ts';
import { removeVaultFolder } from './vault_folder.ts';
import * as vaultHere from './vault_process.ts';

const HIT_ROUNDS = 18;
const HIT_STREAMS = 16;
const HIT_SECONDS = 1;
const REFRESH_ROUNDS = 16;
const REFRESH_STREAMS = 8;
const REFRESH_SECONDS = 1.5;
const CONNECTIONS = 2_000;
/** A token of 91 s meets `MIN_TTL` for one second, because the vault subtracts 30 s: see refresh.ts. */
const TOKEN_LIFETIME = 91;
const MIN_TTL = 60;
const LEAST_ANSWER = 1_000;
const WARM_UP = { streams: 8, seconds: 20, most: 8_000 };

/** A checkout with its program and its database. */
interface Checkout {
  readonly name: string;
  readonly filling: typeof fillingHere;
  readonly vault: typeof vaultHere;
}

type Rounds = Record<string, { rate: number; cpu: number; p50: number }[]>;

function noRounds(checkouts: readonly Checkout[]): Rounds {
  return Object.fromEntries(checkouts.map(({ name }) => [name, []]));
}

/** Alternates hits and refreshes of this checkout and of the one in `folder`; reports the ratios of each pair of rounds. */
export async function benchAgainst(bench: Bench, folder: string): Promise<SectionReport> {
  const checkouts: readonly Checkout[] = [
    { name: 'this checkout', filling: fillingHere, vault: vaultHere },
    {
      name: 'the other checkout',
      filling: (await import(moduleIn(folder, 'filled_vault.ts'))) as typeof fillingHere,
      vault: (await import(moduleIn(folder, 'vault_process.ts'))) as typeof vaultHere,
    },
  ];
  const figures = [...(await compareHits(bench, checkouts)), ...(await compareRefreshes(bench, checkouts))];
  return { title: `This checkout against ${resolve(folder)}`, figures };
}

async function compareHits(bench: Bench, checkouts: readonly Checkout[]): Promise<Figure[]> {
  const entra = await startFakeEntra('RS256');
  const started = await startAll(checkouts, 1, entra.url);
  const rounds = noRounds(checkouts);
  try {
    const peers: { name: string; process: vaultHere.VaultProcess['process']; target: Target }[] = [];
    for (const { name, checkout, vault } of started) {
      const connection = checkout.filling.connectionAt(0);
      const ask = () =>
        vault.client.call(TokenService.method.getAccessToken, { connection, scopes: ['Mail.ReadOnly'] });
      await ask();
      const answerBytes = toBinary(GetAccessTokenResponseSchema, await ask()).length + FRAME_HEAD;
      const target = checkout.vault.vaultTarget(vault, checkout.vault.requestFrame(connection), answerBytes);
      peers.push({ name, process: vault.process, target: { ...target, name } });
    }
    for (let round = -2; round < bench.rounds(HIT_ROUNDS); round += 1) {
      bench.progress(`against, hit: ${HIT_STREAMS} in flight, round ${round + 1}`);
      for (const { name, process, target } of orderOf(peers, round + 2)) {
        const before = await process.usage();
        const result = await bench.load.run(target, { streams: HIT_STREAMS, seconds: HIT_SECONDS });
        assertAllGood(target, result);
        if (round < 0) continue;
        const cpu = ((await process.usage()).cpu - before.cpu) / result.answers;
        rounds[name]?.push({ rate: ratePerSecond(result), cpu, p50: quantile(result.latencies, 0.5) });
      }
    }
  } finally {
    await stopAll(started);
    await entra.process.stop();
  }
  return figuresOf(`hit, ${HIT_STREAMS} in flight`, rounds, checkouts);
}

async function compareRefreshes(bench: Bench, checkouts: readonly Checkout[]): Promise<Figure[]> {
  const entra = await startFakeEntra('ES256', TOKEN_LIFETIME);
  const started = await startAll(checkouts, CONNECTIONS, entra.url);
  const rounds = noRounds(checkouts);
  try {
    const peers = started.map(({ name, checkout, vault }) => ({
      name,
      vault,
      servedFrom: checkout.vault.servedFrom,
      target: { ...checkout.vault.vaultTarget(vault, eachInTurn(checkout), LEAST_ANSWER), name },
    }));
    for (const { target } of peers) await bench.clientLoad.run(target, WARM_UP);
    for (let round = 0; round < bench.rounds(REFRESH_ROUNDS); round += 1) {
      bench.progress(`against, refresh: ${REFRESH_STREAMS} in flight, round ${round + 1}`);
      for (const { name, vault, target, servedFrom } of orderOf(peers, round)) {
        const before = await vault.process.usage();
        const servedBefore = await servedFrom(vault, 'ENTRA');
        const result = await bench.clientLoad.run(target, { streams: REFRESH_STREAMS, seconds: REFRESH_SECONDS });
        assertAllGood(target, result);
        const redeemed = (await servedFrom(vault, 'ENTRA')) - servedBefore;
        if (redeemed !== result.answers) throw new Error(`${redeemed} of ${result.answers} answers came from Entra`);
        const cpu = ((await vault.process.usage()).cpu - before.cpu) / result.answers;
        rounds[name]?.push({ rate: ratePerSecond(result), cpu, p50: quantile(result.latencies, 0.5) });
      }
    }
  } finally {
    await stopAll(started);
    await entra.process.stop();
  }
  return figuresOf(`refresh, ${REFRESH_STREAMS} in flight`, rounds, checkouts);
}

interface Started {
  readonly name: string;
  readonly checkout: Checkout;
  readonly folder: VaultFolder;
  readonly vault: vaultHere.VaultProcess;
}

async function startAll(checkouts: readonly Checkout[], connections: number, entraUrl: string): Promise<Started[]> {
  const started: Started[] = [];
  for (const checkout of checkouts) {
    const folder = await checkout.filling.fillVault({ connections, accessTokens: 'none' });
    const vault = await checkout.vault.startVault(folder, entraUrl);
    started.push({ name: checkout.name, checkout, folder, vault });
  }
  return started;
}

async function stopAll(started: readonly Started[]): Promise<void> {
  for (const { vault, folder } of started) {
    await vault.stop();
    removeVaultFolder(folder);
  }
}

function eachInTurn({ filling, vault }: Checkout): () => Buffer {
  const frames = Array.from({ length: CONNECTIONS }, (_, number) =>
    vault.requestFrame(filling.connectionAt(number), MIN_TTL),
  );
  let next = 0;
  return () => {
    const frame = frames[next % CONNECTIONS] ?? Buffer.alloc(0);
    next += 1;
    return frame;
  };
}

function figuresOf(what: string, rounds: Rounds, checkouts: readonly Checkout[]): Figure[] {
  const [here, other] = checkouts.map(({ name }) => rounds[name] ?? []);
  const rates = (of: Rounds[string] | undefined) => (of ?? []).map(({ rate }) => rate);
  return [
    {
      name: `this / other, ${what}`,
      value: pairedRatio(rates(here), rates(other)),
      unit: 'ratio',
      aim: { atLeast: 0.97 },
    },
    ...checkouts.flatMap(({ name }): Figure[] => {
      const own = rounds[name] ?? [];
      return [
        { name: `${name}, ${what}`, value: spread(rates(own)), unit: 'calls/s' },
        { name: `${name}, ${what}, p50`, value: spread(own.map(({ p50 }) => p50)), unit: 'us' },
        { name: `${name}, ${what}, CPU a call`, value: spread(own.map(({ cpu }) => cpu)), unit: 'us' },
      ];
    }),
  ];
}
