import type SqliteConnection from 'better-sqlite3';

/**
 * Group commit: commits of two turns of the event loop, and those that arrive while the disk is synced, share one transaction and
 * one sync. Each work is done completely or not at all, whatever happens to the others of its group.
 */
export interface CommitGroup<Work> {
  /** Settles when the work is durable. Rejects with the error of this work, or with the error that failed the whole group. */
  add(work: Work): Promise<void>;
  /**
   * Set while a group is visible and not durable yet. It never rejects. No group is written in the turn in which it resolves, so
   * that what is read then is durable.
   */
  readonly writing: Promise<void> | undefined;
  /** Writes pending work. */
  flush(): Promise<void>;
}

export interface CommitGroupParts<Work> {
  readonly client: SqliteConnection.Database;
  readonly run: (work: Work) => void;
  /** Calls `transact` at once, and resolves when it is durable. */
  readonly durably: (transact: () => void) => Promise<void>;
}

interface Waiting<Work> {
  readonly work: Work;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

type Failures = readonly ({ error: unknown } | undefined)[];

export function createCommitGroup<Work>({ client, run, durably }: CommitGroupParts<Work>): CommitGroup<Work> {
  let waiting: Waiting<Work>[] = [];
  let scheduled: NodeJS.Immediate | undefined;
  let writing: Promise<void> | undefined;

  let isWorkRefused = false;

  const transactTogether = client.transaction((group: readonly Waiting<Work>[]) => {
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
  const transactEachAlone = client.transaction((group: readonly Waiting<Work>[]) =>
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
  function transactAll(group: readonly Waiting<Work>[]): Failures {
    isWorkRefused = false;
    try {
      transactTogether.immediate(group);
      return [];
    } catch (error) {
      if (!isWorkRefused || group.length === 1) throw error;
      return transactEachAlone.immediate(group);
    }
  }

  async function write(): Promise<void> {
    scheduled = undefined;
    const group = waiting;
    waiting = [];
    const written = Promise.withResolvers<void>();
    writing = written.promise;
    let failures: Failures = [];
    try {
      await durably(() => {
        failures = transactAll(group);
      });
      for (const [index, { resolve, reject }] of group.entries()) {
        const failure = failures[index];
        if (failure === undefined) resolve();
        else reject(failure.error);
      }
    } catch (error) {
      for (const { reject } of group) reject(error);
    }
    writing = undefined;
    written.resolve();
    schedule();
  }

  /** The next turn reads what clients have sent meanwhile. Without calls, it takes microseconds. */
  function writeNextTurn(): void {
    scheduled = setImmediate(write);
  }

  function schedule(): void {
    if (writing === undefined && waiting.length > 0) scheduled ??= setImmediate(writeNextTurn);
  }

  return {
    add(work) {
      return new Promise((resolve, reject) => {
        waiting.push({ work, resolve, reject });
        schedule();
      });
    },
    get writing() {
      return writing;
    },
    async flush() {
      await writing;
      clearImmediate(scheduled);
      if (waiting.length > 0) await write();
    },
  };
}
