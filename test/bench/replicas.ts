import { rmSync } from 'node:fs';
import { startPostgres } from '../postgres/postgres_server.ts';
import { startFakeEntra } from './fake_entra.ts';
import { connectionAt, fillVault } from './filled_vault.ts';
import { measure, type Peer, warmAnswerBytes } from './hit.ts';
import { benchMillion } from './million.ts';
import { CONNECTIONS, eachInTurn, LEAST_ANSWER, type Round, refreshThroughVault, TOKEN_LIFETIME } from './refresh.ts';
import type { Bench, Figure, SectionReport } from './section.ts';
import { orderOf, pairedRatio, spread } from './statistics.ts';
import { removeVaultFolder } from './vault_folder.ts';
import { requestFrame, startVault, type VaultProcess, vaultTarget } from './vault_process.ts';

const ROUNDS = 14;
const HIT_STREAMS = 16;
const REFRESH_STREAMS = 8;
/** V8 optimizes the code of a refresh only after thousands of them. */
const WARM_UP = { streams: REFRESH_STREAMS, seconds: 15, most: 6_000 };
const NAMES = ['SQLite', 'PostgreSQL'] as const;
type Name = (typeof NAMES)[number];

/** The vault on PostgreSQL, compared with the vault on SQLite, both durable; and one process with two. */
export async function benchReplicas(bench: Bench): Promise<SectionReport> {
  const server = await startPostgres(18, { fsync: 'on' });
  const filling = { connections: CONNECTIONS, accessTokens: 'none' } as const;
  const folders = {
    SQLite: await bench.filled(filling),
    PostgreSQL: await fillVault(filling, await server.createDatabase()),
  };
  // An interrupt skips the end of this function.
  process.once('exit', () => {
    removeVaultFolder(folders.PostgreSQL);
    rmSync(server.folder, { recursive: true, force: true });
  });
  try {
    const hits = await benchHits(bench, folders);
    const refreshes = await benchRefreshes(bench, folders);
    return {
      title: 'Replicas: PostgreSQL compared with SQLite, and many connections with few',
      figures: [...hits, ...refreshes, ...(await benchMillion(bench, server))],
    };
  } finally {
    await server.close();
  }
}

async function benchHits(bench: Bench, folders: Record<Name, Parameters<typeof startVault>[0]>): Promise<Figure[]> {
  const entra = await startFakeEntra('RS256');
  const vaults: VaultProcess[] = [];
  const peerOf = async (name: string, folder: Parameters<typeof startVault>[0]): Promise<Peer> => {
    const vault = await startVault(folder, entra.url);
    vaults.push(vault);
    const target = { ...vaultTarget(vault, requestFrame(connectionAt(0)), await warmAnswerBytes(vault)), name };
    return { target, process: vault.process };
  };
  const cpu: Record<string, number[]> = { SQLite: [], PostgreSQL: [], 'two processes': [] };
  try {
    const peers = [await peerOf('SQLite', folders.SQLite), await peerOf('PostgreSQL', folders.PostgreSQL)];
    const second = await peerOf('PostgreSQL', { ...folders.PostgreSQL, audit: `${folders.PostgreSQL.audit}.2` });
    for (const peer of [...peers, second]) await measure(bench, peer, HIT_STREAMS);
    for (let round = 0; round < bench.rounds(ROUNDS); round += 1) {
      bench.progress(`replicas: hits, round ${round + 1}`);
      for (const peer of orderOf(peers, round))
        cpu[peer.target.name]?.push((await measure(bench, peer, HIT_STREAMS)).cpu);
      const both = await Promise.all([peers[1], second].map((peer) => peer && measure(bench, peer, HIT_STREAMS / 2)));
      const answers = both.reduce((sum, one) => sum + (one?.answers ?? 0), 0);
      cpu['two processes']?.push(both.reduce((sum, one) => sum + (one?.cpu ?? 0) * (one?.answers ?? 0), 0) / answers);
    }
  } finally {
    for (const vault of vaults) await vault.stop();
    await entra.process.stop();
  }
  const { SQLite = [], PostgreSQL = [], 'two processes': two = [] } = cpu;
  return [
    {
      name: 'hit, CPU: PostgreSQL / SQLite',
      value: pairedRatio(PostgreSQL, SQLite),
      unit: 'ratio',
      aim: { atMost: 1.05 },
    },
    { name: 'hit, CPU a call: two processes / one', value: pairedRatio(two, PostgreSQL), unit: 'ratio' },
    ...Object.entries(cpu).map(
      ([name, values]): Figure => ({ name: `hit, ${name}, CPU a call`, value: spread(values), unit: 'us' }),
    ),
  ];
}

async function benchRefreshes(
  bench: Bench,
  folders: Record<Name, Parameters<typeof startVault>[0]>,
): Promise<Figure[]> {
  const entra = await startFakeEntra('ES256', TOKEN_LIFETIME);
  const vaults = {
    SQLite: await startVault(folders.SQLite, entra.url),
    PostgreSQL: await startVault(folders.PostgreSQL, entra.url),
  };
  const targets = {
    SQLite: vaultTarget(vaults.SQLite, eachInTurn(), LEAST_ANSWER),
    PostgreSQL: vaultTarget(vaults.PostgreSQL, eachInTurn(), LEAST_ANSWER),
  };
  const results: Record<Name, Round[]> = { SQLite: [], PostgreSQL: [] };
  try {
    for (const name of NAMES) await bench.clientLoad.run(targets[name], WARM_UP);
    for (let round = 0; round < bench.rounds(ROUNDS); round += 1) {
      bench.progress(`replicas: refreshes, round ${round + 1}`);
      for (const name of orderOf(NAMES, round)) {
        const parts = { vault: vaults[name], entra, target: targets[name], inFlight: REFRESH_STREAMS };
        results[name].push(await refreshThroughVault(bench, parts));
      }
    }
  } finally {
    for (const vault of Object.values(vaults)) await vault.stop();
    await entra.process.stop();
  }
  const rates = (name: Name) => results[name].map(({ rate }) => rate);
  return [
    {
      name: 'refresh, rate: PostgreSQL / SQLite',
      value: pairedRatio(rates('PostgreSQL'), rates('SQLite')),
      unit: 'ratio',
    },
    ...NAMES.flatMap((name): Figure[] => [
      { name: `refresh, ${name}`, value: spread(rates(name)), unit: 'calls/s' },
      { name: `refresh, ${name}, CPU of the vault`, value: spread(results[name].map(({ cpu }) => cpu)), unit: 'us' },
    ]),
  ];
}
