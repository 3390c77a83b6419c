import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
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

const group = () =>
  createCommitGroup<readonly number[]>(
    client,
    (numbers) => {
      runs += 1;
      for (const n of numbers) client.prepare('INSERT INTO t VALUES (?)').run(n);
    },
    (write) => {
      writes += 1;
      write();
    },
  );

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
  await setImmediate();
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

test('a flush writes pending commits before the database closes', async () => {
  const commits = group();
  const added = commits.add([1]);
  commits.flush();
  expect(stored()).toEqual([1]);
  await added;
});
