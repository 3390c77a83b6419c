import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { id_kp_serverAuth } from '@peculiar/asn1-x509';
import { type Authority, makeAuthority } from '../../src/sandbox/certificate_authority.ts';
import { startFakeEntra } from './fake_entra.ts';
import { connectionAt, fillVault, TENANT_ID } from './filled_vault.ts';
import { warmAnswerBytes } from './hit.ts';
import { assertAllGood, ratePerSecond, type Target } from './load.ts';
import type { Bench, Figure, SectionReport } from './section.ts';
import { orderOf, pairedRatio, quantile, spread } from './statistics.ts';
import { removeVaultFolder, type VaultFolder } from './vault_folder.ts';
import { requestFrame, startVault, type VaultProcess, vaultTarget } from './vault_process.ts';

const STREAMS = [1, 16, 64] as const;
const ROUNDS = 18;
const SECONDS = 1;
const OTHER_RULES = 200;
const SPIFFE_ID = 'spiffe://bench.example/caller';

interface Peer {
  readonly name: string;
  readonly vault: VaultProcess;
  readonly folder: VaultFolder;
  readonly target: Target;
}

type Rounds = Map<string, { rate: number; cpu: number; p99: number }[]>;

/**
 * The hit of a caller with a client certificate, rules with scope ceilings, and a rate, compared with that of a caller
 * with an API key and a role. Both over TLS, with the audit log. The load comes from node:http2, since h2load presents
 * no certificate. It costs as much CPU as the vault, so the ratio of the server's CPU says more than that of the rates.
 */
export async function benchCallers(bench: Bench): Promise<SectionReport> {
  const entra = await startFakeEntra('RS256');
  const peers: Peer[] = [];
  const figures: Figure[] = [];
  try {
    peers.push(await startPlain(entra.url), await startFull(entra.url));
    for (const streams of STREAMS) figures.push(...(await compare(bench, peers, streams)));
  } finally {
    for (const { vault, folder } of peers) {
      await vault.stop();
      removeVaultFolder(folder);
    }
    await entra.process.stop();
  }
  return {
    title: 'Callers: the hit with client certificate, ceilings and rate, and with an API key and a role',
    figures,
  };
}

async function compare(bench: Bench, peers: readonly Peer[], streams: number): Promise<Figure[]> {
  const rounds: Rounds = new Map(peers.map(({ name }) => [name, []]));
  for (let round = -2; round < bench.rounds(ROUNDS); round += 1) {
    bench.progress(`callers: ${streams} in flight, round ${round + 1}`);
    for (const { name, vault, target } of orderOf(peers, round + 2)) {
      const before = await vault.process.usage();
      const result = await bench.clientLoad.run(target, { streams, seconds: SECONDS });
      assertAllGood(target, result);
      const cpu = ((await vault.process.usage()).cpu - before.cpu) / result.answers;
      if (round < 0) continue;
      rounds.get(name)?.push({ rate: ratePerSecond(result), cpu, p99: quantile(result.latencies, 0.99) });
    }
  }
  return figuresOf(rounds, streams);
}

function figuresOf(rounds: Rounds, streams: number): Figure[] {
  const at = `${streams} in flight`;
  const [plain = [], full = []] = [...rounds.values()];
  const rates = (own: typeof plain) => own.map(({ rate }) => rate);
  const cpus = (own: typeof plain) => own.map(({ cpu }) => cpu);
  return [
    {
      name: `CPU without / with, ${at}`,
      value: pairedRatio(cpus(plain), cpus(full)),
      unit: 'ratio',
      aim: { atLeast: 0.9 },
    },
    { name: `calls with / without, ${at}`, value: pairedRatio(rates(full), rates(plain)), unit: 'ratio' },
    ...[...rounds].flatMap(([name, own]): Figure[] => [
      { name: `${name}, ${at}`, value: spread(rates(own)), unit: 'calls/s' },
      { name: `${name}, ${at}, p99`, value: spread(own.map(({ p99 }) => p99)), unit: 'us' },
      { name: `${name}, ${at}, CPU a call`, value: spread(cpus(own)), unit: 'us' },
    ]),
  ];
}

async function startPlain(entraUrl: string): Promise<Peer> {
  const { folder, authority, environment } = await prepare();
  const tls = { ca: authority.pem };
  return peerOf('API key and role', folder, await startVault(folder, entraUrl, { environment, tls }), { tls });
}

async function startFull(entraUrl: string): Promise<Peer> {
  const { folder, authority, environment } = await prepare();
  const clientCa = join(folder.path, 'client-ca.pem');
  writeFileSync(clientCa, authority.pem, { mode: 0o600 });
  writeFileSync(folder.callers, fullCallers(), { mode: 0o600 });
  const { chain, key } = authority.issue({ names: [{ uri: SPIFFE_ID }] });
  const tls = { ca: authority.pem, cert: chain, key };
  const vault = await startVault(folder, entraUrl, {
    environment: { ...environment, TOKENVAULT_TLS_CLIENT_CA_FILE: `spiffe://bench.example=${clientCa}` },
    tls,
  });
  return peerOf('certificate, ceilings and rate', folder, vault, { tls, apiKey: undefined });
}

async function prepare() {
  const folder = await fillVault({ connections: 1, accessTokens: 'none' });
  const authority: Authority = makeAuthority('bench CA');
  const server = authority.issue({ names: [{ ip: '127.0.0.1' }], purposes: [id_kp_serverAuth] });
  const [certFile, keyFile] = [join(folder.path, 'tls.crt'), join(folder.path, 'tls.key')];
  writeFileSync(certFile, server.chain);
  writeFileSync(keyFile, server.key, { mode: 0o600 });
  const environment = {
    TOKENVAULT_TLS_CERT_FILE: certFile,
    TOKENVAULT_TLS_KEY_FILE: keyFile,
    TOKENVAULT_PUBLIC_URL: 'https://vault.example',
  };
  return { folder, authority, environment };
}

async function peerOf(
  name: string,
  folder: VaultFolder,
  vault: VaultProcess,
  access: Pick<Target, 'tls' | 'apiKey'>,
): Promise<Peer> {
  const answerBytes = await warmAnswerBytes(vault);
  const target = vaultTarget(vault, requestFrame(connectionAt(0)), answerBytes);
  return { name, vault, folder, target: { ...target, ...access, name } };
}

/** Rules of other tenants first, as a caller of many customers has. */
function fullCallers(): string {
  const ceiling = { scopes: ['Mail.ReadOnly'], excess: 'ALLOW', rate: { per_second: 1_000_000, burst: 1_000_000 } };
  const reads = (tenant: string) => ({ id: `reads-${tenant}`, role: 'token_reader', tenants: [tenant], ...ceiling });
  const others = Array.from({ length: OTHER_RULES }, (_, at) => reads(`tenant-${at}`));
  const callers = [
    { id: 'root', certificates: [{ id: 'c1', spiffe_id: `${SPIFFE_ID}/root` }], rules: [ADMIN] },
    { id: 'bench', certificates: [{ id: 'c1', spiffe_id: SPIFFE_ID }], rules: [...others, reads(TENANT_ID)] },
  ];
  return `${JSON.stringify({ version: 1, callers, end: true }, undefined, 1)}\n`;
}

const ADMIN = { id: 'administers', role: 'admin', tenants: ['*'] };
