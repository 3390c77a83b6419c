import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type FakeEntra, startFakeEntra } from './fake_entra.ts';
import { connectionAt } from './filled_vault.ts';
import { assertAllGood, ratePerSecond, type Target } from './load.ts';
import type { MsalResult, MsalRun } from './msal_client.ts';
import { messageOf, type ServerProcess, startProcess } from './processes.ts';
import type { Bench, Figure, SectionReport } from './section.ts';
import { orderOf, pairedRatio, quantile, spread } from './statistics.ts';
import { requestFrame, servedFrom, startVault, type VaultProcess, vaultTarget } from './vault_process.ts';

/**
 * Tokens become stale without a change of the vault: the sandbox issues tokens for 91 s, the vault subtracts a margin of 30 s, and
 * the callers request at least 60 s. So a token is served for one second, and each connection is requested again only after that.
 */
export const TOKEN_LIFETIME = 91;
const MIN_TTL = 60;
export const CONNECTIONS = 2_000;

/** The vault sends at most 8 concurrent requests to Entra for an app in a directory. */
const IN_FLIGHT = [
  { inFlight: 8, rounds: 16, aims: { rate: 0.45, cpu: 2.8 } },
  { inFlight: 1, rounds: 16, aims: undefined },
] as const;
const SECONDS = 1.5;
const LEAST_REDEEMED = 0.99;
/** Shorter than any response with a token. */
export const LEAST_ANSWER = 1_000;

export interface Round {
  readonly rate: number;
  readonly latencies: readonly number[] | Float64Array;
  /** Microseconds of CPU per redemption, of the client and of the sandbox. */
  readonly cpu: number;
  readonly sandboxCpu: number;
}

/** Refreshes through the whole vault (lease, redeem, seal, durable record), compared with MSAL, against the same sandbox. */
export async function benchRefresh(bench: Bench): Promise<SectionReport> {
  const entra = await startFakeEntra('ES256', TOKEN_LIFETIME);
  const vault = await startVault(await bench.filled({ connections: CONNECTIONS, accessTokens: 'none' }), entra.url);
  const msal = startProcess({ script: 'msal_client.ts' });
  await messageOf(msal.child, 'ready');
  const target = vaultTarget(vault, eachInTurn(), LEAST_ANSWER);
  const figures: Figure[] = [];
  try {
    bench.progress('refresh: warming up');
    await warmUp(bench, { target, msal, entra });
    for (const { inFlight, rounds: full, aims } of IN_FLIGHT) {
      const runs = {
        vault: () => refreshThroughVault(bench, { vault, entra, target, inFlight }),
        msal: () => refreshThroughMsal({ msal, entra, inFlight }),
      } as const;
      const results: Record<keyof typeof runs, Round[]> = { vault: [], msal: [] };
      const rounds = bench.rounds(full);
      for (let round = 0; round < rounds; round += 1) {
        bench.progress(`refresh: ${inFlight} in flight, round ${round + 1} of ${rounds}`);
        for (const name of orderOf(['vault', 'msal'] as const, round)) results[name].push(await runs[name]());
      }
      figures.push(...figuresOf(results, inFlight, aims));
    }
    if (bench.profileFolder !== undefined) await profileRefresh(bench, vault, target, bench.profileFolder);
  } finally {
    await msal.stop();
    await vault.stop();
    await entra.process.stop();
  }
  return { title: 'Refresh: redemptions a second, durable and sealed, compared with MSAL', figures };
}

/** Every connection once before any is repeated. */
export function eachInTurn(): () => Buffer {
  const frames = Array.from({ length: CONNECTIONS }, (_, number) => requestFrame(connectionAt(number), MIN_TTL));
  let next = 0;
  return () => {
    const frame = frames[next % CONNECTIONS] ?? Buffer.alloc(0);
    next += 1;
    return frame;
  };
}

/** A refresh runs much code, which V8 optimizes only after thousands of them: the first ones take three times as long. */
async function warmUp(
  bench: Bench,
  { target, msal, entra }: { target: Target; msal: ServerProcess; entra: FakeEntra },
): Promise<void> {
  await bench.clientLoad.run(target, { streams: 8, seconds: 20, most: 8_000 });
  msal.child.send({ run: { url: entra.url, inFlight: 8, seconds: 8 } satisfies MsalRun });
  await messageOf(msal.child, 'result');
}

export async function refreshThroughVault(
  bench: Bench,
  parts: { vault: VaultProcess; entra: FakeEntra; target: Target; inFlight: number },
): Promise<Round> {
  const { vault, entra, target, inFlight } = parts;
  const before = { cpu: await vault.process.usage(), sandbox: await entra.process.usage() };
  const servedBefore = await servedFrom(vault, 'ENTRA');
  const result = await bench.clientLoad.run(target, { streams: inFlight, seconds: SECONDS });
  const after = { cpu: await vault.process.usage(), sandbox: await entra.process.usage() };
  const redeemed = (await servedFrom(vault, 'ENTRA')) - servedBefore;
  assertAllGood(target, result);
  // A background refresh of the same second, such as keep-alive, may have stored a token that serves a few of them.
  if (redeemed < LEAST_REDEEMED * result.answers) {
    throw new Error(`only ${redeemed} of ${result.answers} answers came from Entra`);
  }
  return {
    rate: ratePerSecond(result),
    latencies: result.latencies,
    cpu: (after.cpu.cpu - before.cpu.cpu) / result.answers,
    sandboxCpu: (after.sandbox.cpu - before.sandbox.cpu) / result.answers,
  };
}

async function refreshThroughMsal(parts: { msal: ServerProcess; entra: FakeEntra; inFlight: number }): Promise<Round> {
  const { msal, entra, inFlight } = parts;
  const before = await entra.process.usage();
  msal.child.send({ run: { url: entra.url, inFlight, seconds: SECONDS } satisfies MsalRun });
  const result = (await messageOf(msal.child, 'result')) as MsalResult;
  const after = await entra.process.usage();
  return {
    rate: result.redemptions / result.seconds,
    latencies: result.latencies,
    cpu: result.cpu / result.redemptions,
    sandboxCpu: (after.cpu - before.cpu) / result.redemptions,
  };
}

function figuresOf(
  results: Readonly<Record<'vault' | 'msal', readonly Round[]>>,
  inFlight: number,
  aims: { readonly rate: number; readonly cpu: number } | undefined,
): Figure[] {
  const at = `${inFlight} in flight`;
  const rates = (name: 'vault' | 'msal') => results[name].map((round) => round.rate);
  const cpus = (name: 'vault' | 'msal') => results[name].map((round) => round.cpu);
  return [
    {
      name: `vault / MSAL, ${at}`,
      value: pairedRatio(rates('vault'), rates('msal')),
      unit: 'ratio',
      ...(aims && { aim: { atLeast: aims.rate } }),
    },
    {
      name: `CPU a refresh: vault / MSAL, ${at}`,
      value: pairedRatio(cpus('vault'), cpus('msal')),
      unit: 'ratio',
      ...(aims && { aim: { atMost: aims.cpu } }),
    },
    ...(['vault', 'msal'] as const).flatMap((name): Figure[] => [
      { name: `${name}, ${at}`, value: spread(rates(name)), unit: 'calls/s' },
      {
        name: `${name}, ${at}, p50`,
        value: spread(results[name].map((one) => quantile(one.latencies, 0.5))),
        unit: 'us',
      },
      {
        name: `${name}, ${at}, p99`,
        value: spread(results[name].map((one) => quantile(one.latencies, 0.99))),
        unit: 'us',
      },
      { name: `${name}, ${at}, CPU a refresh`, value: spread(results[name].map((one) => one.cpu)), unit: 'us' },
      {
        name: `sandbox under ${name}, ${at}, CPU a refresh`,
        value: spread(results[name].map((one) => one.sandboxCpu)),
        unit: 'us',
      },
    ]),
  ];
}

async function profileRefresh(bench: Bench, vault: VaultProcess, target: Target, folder: string): Promise<void> {
  bench.progress('refresh: a profile at 8 in flight');
  await vault.process.startProfile();
  await bench.clientLoad.run(target, { streams: 8, seconds: 4 });
  writeFileSync(join(folder, 'refresh.cpuprofile'), JSON.stringify(await vault.process.stopProfile()));
}
