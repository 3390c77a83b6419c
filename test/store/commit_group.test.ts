import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import SqliteConnection from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createCommitGroup } from '../../src/store/sqlite/group_commit.ts';

let folder: string;
let client: SqliteConnection.Database;
let writes: number;
let runs: number;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'group-'));
  client = new SqliteConnection(join(folder, 'x.db'));
  client.exec('CREATE TABLE t (n INTEGER PRIMARY KEY)');
  writes = 0;
  runs = 0;
});
afterEach(() => {
  client.close();
  rmSync(folder, { recursive: true });
});

/** `sync`: as the disk does it; default: at once. */
const group = (sync: () => Promise<void> = async () => {}) =>
  createCommitGroup<readonly number[]>({
    client,
    run(numbers) {
      runs += 1;
      for (const n of numbers) client.prepare('INSERT INTO t VALUES (?)').run(n);
    },
    async durably(transact) {
      writes += 1;
      transact();
      await sync();
    },
  });

/** Waits until a group is being synced. */
async function untilWritten(groups: number): Promise<void> {
  while (writes < groups) await nextTurn();
}

const stored = () => client.prepare('SELECT n FROM t ORDER BY n').pluck().all();

test('simultaneous commits share one write, and each one is atomic', async () => {
  const commits = group();
  const outcomes = await Promise.allSettled([commits.add([1, 2]), commits.add([3, 1]), commits.add([4])]);
  expect(outcomes.map((one) => one.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(stored()).toEqual([1, 2, 4]);
  expect(writes).toBe(1);
});

test('commits of a group of which none fails run once', async () => {
  const commits = group();
  await Promise.all([commits.add([1, 2]), commits.add([3]), commits.add([4])]);
  expect(stored()).toEqual([1, 2, 3, 4]);
  expect(runs).toBe(3);
  expect(writes).toBe(1);
});

test('commits of the next turn of the event loop join the group', async () => {
  const commits = group();
  const first = commits.add([1]);
  await nextTurn();
  await Promise.all([first, commits.add([2])]);
  expect(stored()).toEqual([1, 2]);
  expect(writes).toBe(1);
});

test('a single commit is atomic too, and the next one succeeds', async () => {
  const commits = group();
  await commits.add([1]);
  await expect(commits.add([2, 1])).rejects.toThrow('UNIQUE');
  expect(client.inTransaction).toBe(false);
  await commits.add([3]);
  expect(stored()).toEqual([1, 3]);
  expect(writes).toBe(3);
});

test('a rollback of the whole transaction fails its group, and the next group succeeds', async () => {
  const commits = group();
  client.exec(
    "CREATE TRIGGER full BEFORE INSERT ON t WHEN NEW.n = 13 BEGIN SELECT RAISE(ROLLBACK, 'as a full disk would'); END",
  );
  const outcomes = await Promise.allSettled([commits.add([1]), commits.add([13]), commits.add([2])]);
  expect(outcomes.map((one) => one.status)).toEqual(['rejected', 'rejected', 'rejected']);
  expect(stored()).toEqual([]);
  expect(runs).toBe(2);
  await commits.add([5]);
  expect(stored()).toEqual([5]);
});

test('commits that arrive during a sync wait for it, and then share one write', async () => {
  const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const syncs = [first.promise, second.promise];
  const commits = group(() => syncs.shift() ?? Promise.resolve());
  const one = commits.add([1]);
  await untilWritten(1);
  const others = [commits.add([2]), commits.add([3])];
  await nextTurn();
  expect(stored()).toEqual([1]);

  first.resolve();
  await one;
  // Until the next turn, all that can be read is durable.
  expect(commits.writing).toBeUndefined();
  expect(stored()).toEqual([1]);
  await untilWritten(2);
  expect(commits.writing).toBeDefined();
  expect(stored()).toEqual([1, 2, 3]);

  second.resolve();
  await Promise.all(others);
  expect(writes).toBe(2);
});

test('a failed sync fails its group, and the next group is written', async () => {
  const errors = [new Error('EIO')];
  const commits = group(async () => {
    const error = errors.shift();
    if (error !== undefined) throw error;
  });
  const failed = await Promise.allSettled([commits.add([1]), commits.add([1])]);

  expect(failed.map((one) => one.status)).toEqual(['rejected', 'rejected']);
  await commits.add([2]);
  expect(stored()).toContain(2);
});

test('a flush waits for the sync, then writes pending commits before the database closes', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const syncs = [promise];
  const commits = group(() => syncs.shift() ?? Promise.resolve());
  const added = [commits.add([1])];
  await untilWritten(1);
  added.push(commits.add([2]));
  const flushed = commits.flush();
  resolve();
  await flushed;
  expect(stored()).toEqual([1, 2]);
  await Promise.all(added);
});
