import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startBaseVault } from './base_checkout.ts';
import { type FakeEntra, startFakeEntra } from './fake_entra.ts';
import { connectionAt, type Filling } from './filled_vault.ts';
import { assertAllGood, ratePerSecond, type Target } from './load.ts';
import type { MsalResult, MsalRun } from './msal_client.ts';
import { messageOf, type ServerProcess, startProcess } from './processes.ts';
import type { Bench, Figure, SectionReport } from './section.ts';
import { orderOf, pairedRatio, quantile, spread } from './statistics.ts';
import { removeVaultFolder } from './vault_folder.ts';
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

const FILLING: Filling = { connections: CONNECTIONS, accessTokens: 'none' };

interface VaultPeer {
  readonly vault: VaultProcess;
  readonly target: Target;
}

type Results = Readonly<Record<string, readonly Round[]>>;

/**
 * Refreshes through the whole vault (lease, redeem, seal, durable record), compared with MSAL, and with the base, against
 * the same sandbox.
 */
export async function benchRefresh(bench: Bench): Promise<SectionReport> {
  const entra = await startFakeEntra('ES256', TOKEN_LIFETIME);
  const own = peerOf(await startVault(await bench.filled(FILLING), entra.url));
  const base = bench.base === undefined ? undefined : await startBaseVault(bench.base, FILLING, entra.url);
  const vaults: Record<string, VaultPeer> = { vault: own, ...(base && { base: peerOf(base.vault) }) };
  const msal = startProcess({ script: 'msal_client.ts' });
  await messageOf(msal.child, 'ready');
  const figures: Figure[] = [];
  try {
    bench.progress('refresh: warming up');
    for (const { target } of Object.values(vaults)) await warmUpVault(bench, target);
    await warmUpMsal(msal, entra);
    for (const { inFlight, rounds, aims } of IN_FLIGHT) {
      const runs: Record<string, () => Promise<Round>> = { msal: () => refreshThroughMsal({ msal, entra, inFlight }) };
      for (const [name, peer] of Object.entries(vaults))
        runs[name] = () => refreshThroughVault(bench, { ...peer, entra, inFlight });
      const results = await alternate(bench, runs, bench.rounds(rounds), inFlight);
      figures.push(...figuresOf(results, inFlight, aims));
    }
    if (bench.profileFolder !== undefined) await profileRefresh(bench, own, bench.profileFolder);
  } finally {
    await msal.stop();
    for (const { vault } of Object.values(vaults)) await vault.stop();
    if (base !== undefined) removeVaultFolder(base.folder);
    await entra.process.stop();
  }
  return { title: 'Refresh: redemptions a second, durable and sealed, compared with MSAL', figures };
}

function peerOf(vault: VaultProcess): VaultPeer {
  return { vault, target: vaultTarget(vault, eachInTurn(), LEAST_ANSWER) };
}

async function alternate(
  bench: Bench,
  runs: Readonly<Record<string, () => Promise<Round>>>,
  rounds: number,
  inFlight: number,
): Promise<Results> {
  const results: Record<string, Round[]> = {};
  for (let round = 0; round < rounds; round += 1) {
    bench.progress(`refresh: ${inFlight} in flight, round ${round + 1} of ${rounds}`);
    for (const [name, run] of orderOf(Object.entries(runs), round)) {
      results[name] ??= [];
      results[name].push(await run());
    }
  }
  return results;
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
async function warmUpVault(bench: Bench, target: Target): Promise<void> {
  await bench.clientLoad.run(target, { streams: 8, seconds: 20, most: 8_000 });
}

async function warmUpMsal(msal: ServerProcess, entra: FakeEntra): Promise<void> {
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
  results: Results,
  inFlight: number,
  aims: { readonly rate: number; readonly cpu: number } | undefined,
): Figure[] {
  const at = `${inFlight} in flight`;
  const rates = (name: string) => (results[name] ?? []).map((round) => round.rate);
  const cpus = (name: string) => (results[name] ?? []).map((round) => round.cpu);
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
    ...('base' in results ? comparedWithBase({ rates, cpus }, at) : []),
    ...Object.entries(results).flatMap(([name, own]): Figure[] => [
      { name: `${name}, ${at}`, value: spread(rates(name)), unit: 'calls/s' },
      {
        name: `${name}, ${at}, p50`,
        value: spread(own.map((one) => quantile(one.latencies, 0.5))),
        unit: 'us',
      },
      {
        name: `${name}, ${at}, p99`,
        value: spread(own.map((one) => quantile(one.latencies, 0.99))),
        unit: 'us',
      },
      { name: `${name}, ${at}, CPU a refresh`, value: spread(own.map((one) => one.cpu)), unit: 'us' },
      {
        name: `sandbox under ${name}, ${at}, CPU a refresh`,
        value: spread(own.map((one) => one.sandboxCpu)),
        unit: 'us',
      },
    ]),
  ];
}

function comparedWithBase(
  { rates, cpus }: Readonly<Record<'rates' | 'cpus', (name: string) => number[]>>,
  at: string,
): Figure[] {
  return [
    { name: `vault / base, ${at}`, value: pairedRatio(rates('vault'), rates('base')), unit: 'ratio' },
    { name: `CPU a refresh: vault / base, ${at}`, value: pairedRatio(cpus('vault'), cpus('base')), unit: 'ratio' },
  ];
}

async function profileRefresh(bench: Bench, { vault, target }: VaultPeer, folder: string): Promise<void> {
  bench.progress('refresh: a profile at 8 in flight');
  await vault.process.startProfile();
  await bench.clientLoad.run(target, { streams: 8, seconds: 4 });
  writeFileSync(join(folder, 'refresh.cpuprofile'), JSON.stringify(await vault.process.stopProfile()));
}
