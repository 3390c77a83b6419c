import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startResealing } from '../../src/key_rotation/reseal_values.ts';
import { startRewrapping } from '../../src/key_rotation/rewrap_data_keys.ts';
import { createKek, type Kek } from '../../src/keyring/key_encryption_key.ts';
import { systemClock } from '../../src/model/clock.ts';
import { newUid } from '../../src/model/id_patterns.ts';
import { createStores } from '../../src/store/create_stores.ts';
import { openDatabase } from '../../src/store/open_database.ts';
import type { Stores } from '../../src/store/store_interfaces.ts';
import type { KeyOwner } from '../../src/store/tenant_key_store_interface.ts';
import { silentLog } from '../../src/telemetry/log_events.ts';
import { startPostgres } from '../postgres/postgres_server.ts';
import { type PlainCommits, plainCommitsOfPostgres, plainCommitsOfSqlite } from './plain_commits.ts';
import { fillTenants } from './rotated_tenants.ts';
import type { Bench, Figure, SectionReport } from './section.ts';
import { pairedRatio, spread } from './statistics.ts';

const ROUNDS = 3;
const CONNECTIONS_EACH = 10;
const PLAIN_COMMITS = 1_000;

interface Measured {
  /** A second. */
  readonly rate: number;
  /** Microseconds of CPU of this process, each. */
  readonly cpu: number;
}

type Round = Readonly<Record<'plain' | 'root' | 'tenants', Measured>>;

/** Rotations of the root key and of the data keys of all tenants, compared with commits of one row on the same disk. */
export async function benchRotation(bench: Bench): Promise<SectionReport> {
  const tenants = bench.isQuick ? 200 : 1_000;
  const folder = mkdtempSync(join(tmpdir(), 'vault-bench-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const server = await startPostgres(18, { fsync: 'on' });
  process.once('exit', () => rmSync(server.folder, { recursive: true, force: true }));
  try {
    const sqlite = await rounds(bench, {
      name: 'SQLite',
      url: `sqlite:${join(folder, 'vault.db')}`,
      plain: plainCommitsOfSqlite(join(folder, 'plain.db')),
      tenants,
    });
    const postgres = await rounds(bench, {
      name: 'PostgreSQL',
      url: await server.createDatabase(),
      plain: await plainCommitsOfPostgres(await server.createDatabase()),
      tenants,
    });
    return {
      title: `Rotation of keys: ${tenants} tenants with ${CONNECTIONS_EACH} connections each`,
      figures: [...figuresOf('SQLite', sqlite), ...figuresOf('PostgreSQL', postgres)],
    };
  } finally {
    await server.close();
  }
}

interface Rotated {
  readonly name: string;
  readonly url: string;
  readonly plain: PlainCommits;
  readonly tenants: number;
}

async function rounds(bench: Bench, { name, url, plain, tenants }: Rotated): Promise<Round[]> {
  let active = createKek(randomBytes(32));
  let owners: readonly KeyOwner[] = [];
  await withStores(url, active, undefined, async (stores) => {
    owners = await fillTenants(stores, tenants, CONNECTIONS_EACH);
  });
  const count = bench.rounds(ROUNDS);
  const all: Round[] = [];
  try {
    for (let round = 0; round < count; round += 1) {
      bench.progress(`rotation: ${name}, round ${round + 1} of ${count}`);
      const next = createKek(randomBytes(32));
      await withStores(url, next, active, async (stores) => {
        all.push({
          plain: await measure(PLAIN_COMMITS, () => plain.run(PLAIN_COMMITS)),
          root: await measure(tenants, () => rotateRootKey(stores, next)),
          tenants: await measure(tenants, () => rotateTenants(stores, owners)),
        });
      });
      active = next;
    }
  } finally {
    await plain.close();
  }
  return all;
}

async function withStores(
  url: string,
  current: Kek,
  previous: Kek | undefined,
  use: (stores: Stores) => Promise<void>,
): Promise<void> {
  const database = await openDatabase({ url });
  const stores = await createStores({ database, keks: { current, ...(previous && { previous }) }, clock: systemClock });
  try {
    await use(stores);
  } finally {
    await stores.close();
  }
}

async function measure(count: number, work: () => Promise<void>): Promise<Measured> {
  const cpuBefore = process.cpuUsage();
  const started = performance.now();
  await work();
  const seconds = (performance.now() - started) / 1_000;
  const { user, system } = process.cpuUsage(cpuBefore);
  return { rate: count / seconds, cpu: (user + system) / count };
}

/** Each job runs once, when it is called. */
const jobOf = (stores: Stores) => ({ stores, every: () => () => {}, log: silentLog, replica: newUid() });

async function rotateRootKey(stores: Stores, kek: Kek): Promise<void> {
  const { kind } = await stores.rootKeys.activate(kek.id.toString('hex'), systemClock.now());
  const metrics = { pending() {}, rewrapped() {} };
  const job = startRewrapping({ ...jobOf(stores), clock: systemClock, metrics });
  await job.runOnce();
  await job.close();
  const { retiring } = await stores.rootKeys.read();
  if (kind !== 'active' || retiring.length > 0) throw new Error('the rotation of the root key did not end');
}

/** As an administrator does: one rotation after the other is started, and one replica works on them. */
async function rotateTenants(stores: Stores, owners: readonly KeyOwner[]): Promise<void> {
  for (const owner of owners) await stores.tenantKeys.rotate(owner);
  const job = startResealing({ ...jobOf(stores), metrics: { pending() {}, resealed() {} } });
  await job.runOnce();
  await job.close();
  if ((await stores.tenantKeys.countRotating()) > 0) throw new Error('the rotation of data keys did not end');
}

function figuresOf(name: string, all: readonly Round[]): Figure[] {
  const of = (what: keyof Round, figure: keyof Measured) => all.map((round) => round[what][figure]);
  const rows = { plain: 'commits of one row', root: 'root key, tenants', tenants: 'data keys, tenants' } as const;
  return (['root', 'tenants', 'plain'] as const).flatMap((what): Figure[] => [
    { name: `${name}, ${rows[what]}`, value: spread(of(what, 'rate')), unit: '/s' },
    { name: `${name}, ${rows[what]}: CPU each`, value: spread(of(what, 'cpu')), unit: 'us' },
    ...(what === 'plain'
      ? []
      : [
          {
            name: `${name}, ${rows[what]} / commits of one row`,
            value: pairedRatio(of(what, 'rate'), of('plain', 'rate')),
            unit: 'ratio' as const,
          },
        ]),
  ]);
}
