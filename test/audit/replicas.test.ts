import { createSecretKey, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { openAuditLog } from '../../src/audit/open_audit_log.ts';
import { createKek } from '../../src/keyring/key_encryption_key.ts';
import { systemClock } from '../../src/model/clock.ts';
import { createStores } from '../../src/store/create_stores.ts';
import { openDatabase } from '../../src/store/open_database.ts';
import type { Stores } from '../../src/store/store_interfaces.ts';
import { type PostgresServer, startPostgres } from '../postgres/postgres_server.ts';
import { write } from './audit_world.ts';
import { verifyAuditFiles } from './verify_all_files.ts';

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.close());

const keks = { current: createKek(randomBytes(32)) };
let replicas: Stores[];
beforeEach(async () => {
  const url = await server.createDatabase();
  const open = async () => createStores({ database: await openDatabase({ url }), keks, clock: systemClock });
  replicas = await Promise.all(Array.from({ length: 5 }, open));
  return () => Promise.all(replicas.map((stores) => stores.close()));
});

test('five replicas that start at once on an empty database have the same audit key', async () => {
  const keys = await Promise.all(replicas.map((stores) => stores.audit.auditKey()));
  expect(new Set(keys.map((key) => Buffer.from(key).toString('hex'))).size).toBe(1);
});

test('three replicas restart in any order without a cut, and a removed file is named', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'audit-'));
  const alerts: string[] = [];
  const started: Record<number, string> = {};
  async function run(replica: number): Promise<void> {
    const log = await openAuditLog(join(folder, `${replica}.jsonl`), {
      ledger: (replicas[replica] as Stores).audit,
      clock: systemClock,
      instance: `i${replica}`,
      alert: (topic) => alerts.push(`${replica} ${topic}`),
      onStream: ({ streamId }) => (started[replica] = streamId),
    });
    await write(log);
    await write(log);
    await log.close();
  }
  const verify = async (...seen: number[]) => {
    const { audit } = replicas[4] as Stores;
    return verifyAuditFiles({
      files: seen.map((replica) => {
        const name = `${replica}.jsonl`;
        return { name, lines: readFileSync(join(folder, name), 'utf8').split('\n') };
      }),
      key: createSecretKey(await audit.auditKey()),
      streams: await audit.listStreams(),
    });
  };

  await Promise.all([run(0), run(1), run(2)]);
  for (const replica of [2, 0, 1, 1, 2, 0]) await run(replica);
  await Promise.all([run(2), run(0), run(1)]);

  expect(alerts).toEqual([]);
  const whole = await verify(2, 0, 1);
  expect(whole).toMatchObject({ unseen: [], unknown: [] });
  for (const stream of whole.streams)
    expect(stream).toMatchObject({ entries: 8, faults: [], missing: [], checkpoint: 'found' });

  const lost = started[1];
  rmSync(join(folder, '1.jsonl'));
  expect((await verify(0, 2)).unseen).toMatchObject([{ stream: { streamId: lost }, missing: { from: 1, to: 8 } }]);
  await run(0);
  await run(1);
  expect(alerts).toEqual(['1 audit_cut']);
  expect((await verify(0, 1, 2)).unseen).toMatchObject([{ stream: { streamId: lost } }]);
  rmSync(folder, { recursive: true });
});
