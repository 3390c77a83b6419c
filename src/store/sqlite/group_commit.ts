import type SqliteConnection from 'better-sqlite3';

/** Group commit: commits of two turns of the event loop share one transaction, and so one wait for the disk. */
export interface CommitGroup<Work> {
  /** Settles when the work is durable. Rejects with the error of this work, or with the error that failed the whole group. */
  add(work: Work): Promise<void>;
  /** Writes pending work at once. */
  flush(): void;
}

interface Waiting<Work> {
  readonly work: Work;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Each work is done completely or not at all, whatever happens to the others of its group. */
export function createCommitGroup<Work>(
  client: SqliteConnection.Database,
  run: (work: Work) => void,
  around: (write: () => void) => void,
): CommitGroup<Work> {
  let waiting: Waiting<Work>[] = [];
  let scheduled: NodeJS.Immediate | undefined;
  let isWorkRefused = false;

  const writeTogether = client.transaction((group: readonly Waiting<Work>[]) => {
    try {
      for (const { work } of group) run(work);
    } catch (error) {
      // A full or failing disk rolls back the whole transaction, and fails its group.
      isWorkRefused = client.inTransaction;
      throw error;
    }
  });

  /** Inside another transaction, a transaction function of better-sqlite3 is a savepoint, which can fail alone. */
  const runAlone = client.transaction(run);
  const writeEachAlone = client.transaction((group: readonly Waiting<Work>[]) =>
    group.map(({ work }) => {
      try {
        runAlone(work);
        return undefined;
      } catch (error) {
        if (!client.inTransaction) throw error;
        return { error };
      }
    }),
  );

  /** First without savepoints, for which SQLite copies every page before it changes. */
  function writeAll(group: readonly Waiting<Work>[]): readonly ({ error: unknown } | undefined)[] {
    isWorkRefused = false;
    try {
      writeTogether.immediate(group);
      return [];
    } catch (error) {
      if (!isWorkRefused || group.length === 1) throw error;
      return writeEachAlone.immediate(group);
    }
  }

  function flush(): void {
    clearImmediate(scheduled);
    scheduled = undefined;
    const group = waiting;
    waiting = [];
    if (group.length === 0) return;
    try {
      around(() => {
        const failures = writeAll(group);
        for (const [index, { resolve, reject }] of group.entries()) {
          const failure = failures[index];
          if (failure === undefined) resolve();
          else reject(failure.error);
        }
      });
    } catch (error) {
      for (const { reject } of group) reject(error);
    }
  }

  /** The next turn reads what clients have sent meanwhile. Without calls, it takes microseconds. */
  function flushNextTurn(): void {
    scheduled = setImmediate(flush);
  }

  return {
    add(work) {
      return new Promise((resolve, reject) => {
        waiting.push({ work, resolve, reject });
        scheduled ??= setImmediate(flushNextTurn);
      });
    },
    flush,
  };
}
