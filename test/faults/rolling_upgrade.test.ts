import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Connection_State } from '../../src/gen/tokenvault/v1/connection_pb.ts';
import { concurrentIndexes } from '../../src/store/postgres/build_index_concurrently.ts';
import { readMigrations } from '../../src/store/read_migration_files.ts';
import { PROGRAM } from '../bundled_programs.ts';
import { balanceReplicas } from './balanced_replicas.ts';
import { retried, startCallers } from './calls.ts';
import { addWorktree, parentOfLastMigration, type Worktree } from './checkout_before_migration.ts';
import { type Replicas, startReplicas } from './replicas.ts';

const COUNT = 3;
const CONNECTIONS = process.env['REPLICAS'] === 'long' ? 100_000 : 10_000;
const SERVICE = 'service';

const parent = parentOfLastMigration();
if ('missing' in parent) console.warn(`The test of a rolling upgrade is skipped: ${parent.missing}`);

let replicas: Replicas;
let previous: Worktree;
beforeAll(async () => {
  if ('missing' in parent) return;
  previous = addWorktree(parent.commit);
  replicas = await startReplicas({ count: 0 });
  await replicas.server.createRole(SERVICE);
});
afterAll(async () => {
  await replicas?.close();
  previous?.remove();
});

/** Runs a program to its end. Rejects with its standard error if it fails. */
const run = (main: string, ...args: readonly string[]) =>
  promisify(execFile)(process.execPath, [main, ...args], {
    env: { TOKENVAULT_DATABASE_URL: replicas.databaseUrl },
  });
const migrate = (main: string) => run(main, 'database', 'migrate', '--grant-to', SERVICE);
const fill = () => run(previous.fill, replicas.databaseUrl, join(replicas.folder, 'kek'), 'acme', String(CONNECTIONS));

async function upgrade(): Promise<void> {
  const { start, clients: balanced, reached } = await balanceReplicas(replicas, COUNT);
  const service = { DATABASE_URL: replicas.databaseUrl.replace('vault@', `${SERVICE}@`), MIGRATE: 'off' };
  await migrate(previous.main);
  const running = await Promise.all(Array.from({ length: COUNT }, (_, index) => start(index, service, previous.main)));
  const clients = balanced();
  await replicas.register({ clients });
  await fill();
  const names = await Promise.all(['ada', 'grace'].map((id) => replicas.connect(id, undefined, { clients })));

  let calls = 0;
  const readers = startCallers(3, () => {
    const connection = names[calls++ % names.length] ?? '';
    return retried(() => clients.tokens.getAccessToken({ connection, scopes: ['Mail.ReadOnly'] }));
  });
  const writers = startCallers(2, () => retried(() => replicas.connect(`written-${calls++}`, undefined, { clients })));
  const lists = startCallers(1, () =>
    retried(() => clients.connections.listConnections({ parent: 'tenants/acme', state: Connection_State.ACTIVE })),
  );
  async function served(): Promise<void> {
    await replicas.expire();
    await Promise.all([readers.more(50), writers.more(10), lists.more(10)]);
    for (const { outcomes } of [readers, writers, lists]) expect(Object.keys(outcomes)).toEqual(['OK']);
  }
  async function replace(index: number, main: string): Promise<void> {
    expect((await running[index]?.program.stop())?.code).toBe(0);
    await served();
    const started = await start(index, service, main);
    running[index] = started;
    await Promise.all([served(), reached(started)]);
  }

  await served();
  const [{ stdout }] = await Promise.all([migrate(PROGRAM), served()]);
  expect(stdout).toContain('The database is migrated.');
  // A replica of the previous version that restarts meanwhile.
  await replace(0, previous.main);
  for (const index of running.keys()) await replace(index, PROGRAM);

  for (const callers of [readers, writers, lists]) expect(Object.keys(await callers.stop())).toEqual(['OK']);
  clients.close();
  const built = concurrentIndexes(readMigrations('postgres')).map(({ name }) => `'${name}'`);
  expect(
    await replicas.query(`SELECT indexrelid::regclass::text FROM pg_index
      WHERE indisvalid AND indexrelid::regclass::text IN (${built.join(', ')})`),
  ).toHaveLength(built.length);
  expect(await replicas.query(`SELECT has_schema_privilege('${SERVICE}', 'public', 'CREATE') AS may_create`)).toEqual([
    { may_create: false },
  ]);
}

test.skipIf('missing' in parent)(
  `a rolling upgrade with ${CONNECTIONS} connections fails no call`,
  { timeout: 10 * 60_000 },
  upgrade,
);
