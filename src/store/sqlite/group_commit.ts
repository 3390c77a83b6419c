import type SqliteConnection from 'better-sqlite3';

/** Group commit: commits of one turn of the event loop share one transaction, and so one wait for the disk. */
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

/** `run` must be a transaction function of better-sqlite3: inside the group's transaction it is a savepoint, which can fail alone. */
export function createCommitGroup<Work>(
  client: SqliteConnection.Database,
  run: SqliteConnection.Transaction<(work: Work) => void>,
  around: (write: () => void) => void,
): CommitGroup<Work> {
  let waiting: Waiting<Work>[] = [];
  let scheduled: NodeJS.Immediate | undefined;

  const write = client.transaction((group: readonly Waiting<Work>[]) =>
    group.map(({ work }) => {
      try {
        run(work);
        return undefined;
      } catch (error) {
        // A full or failing disk rolls back the whole transaction, not just the savepoint.
        if (!client.inTransaction) throw error;
        return { error };
      }
    }),
  );

  function writeAll(group: readonly Waiting<Work>[]): readonly ({ error: unknown } | undefined)[] {
    const [first, ...others] = group;
    if (first === undefined || others.length > 0) return write.immediate(group);
    // A single commit needs no savepoint, for which SQLite copies every page before it changes.
    run.immediate(first.work);
    return [];
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

  return {
    add(work) {
      return new Promise((resolve, reject) => {
        waiting.push({ work, resolve, reject });
        scheduled ??= setImmediate(flush);
      });
    },
    flush,
  };
}
