import { sql } from 'drizzle-orm';
import { createBoundedCache } from '../../model/bounded_cache.ts';
import { type Duration, SECOND } from '../../model/clock.ts';
import { newUid } from '../../model/id_patterns.ts';
import type { StoredChange } from '../../model/resource_change_announcements.ts';
import { type CommitResult, type Database, placeholders, type Step } from '../database_interface.ts';
import { createFeedCounter } from './feed_counters.ts';

export type ChangeRows = ReturnType<typeof createChangeRows>;

/** Other processes listen on it for new rows. */
export const CHANGES_CHANNEL = 'tokenvault_changes';

/** Own rows are read within a second; more than a process commits in that time. */
const MOST_OWN_ROWS = 10_000;

/** For the counter. All commits with a change queue for it, each with a connection of its pool. */
const LONGEST_LOCK_WAIT: Duration = 2 * SECOND;

/** Writes to the changes feed, in the commits that change what other processes cache. */
export function createChangeRows(database: Database) {
  const { changes } = database.tables;
  const { uid, kind, subjectUid } = placeholders({
    uid: changes.uid,
    kind: changes.kind,
    subjectUid: changes.subjectUid,
  });
  const own = createBoundedCache<string, true>(MOST_OWN_ROWS);

  const counter = createFeedCounter(database, 'changes');
  const insert = database.write('changes.insert', (db) =>
    db
      .insert(changes)
      .select(
        sql`SELECT position, ${uid}, ${kind}, ${subjectUid}, ${database.dialect.now} FROM feed WHERE name = 'changes'`,
      ),
  );

  return {
    /** `database.commit`, with a row for the change. Undefined: the steps change nothing that is cached. */
    async commit(change: StoredChange | undefined, ...steps: readonly Step[]): Promise<CommitResult> {
      if (change === undefined) return database.commit(...steps);
      const uid = newUid();
      const beforeCounter = [
        database.notifications?.step(CHANGES_CHANNEL),
        database.limitLockWait?.(LONGEST_LOCK_WAIT),
      ].filter((step) => step !== undefined);
      const result = await database.commit(
        ...steps,
        ...beforeCounter,
        // Last, because the row lock on the counter is held until the end of the commit.
        counter.advance(),
        insert.step({ uid, kind: change.kind, subjectUid: change.uid }, 1),
      );
      // A commit that fails with an unknown outcome is not its own: its row is then applied like any other.
      if (result.committed) own.set(uid, true);
      return result;
    },
    /** Whether this process committed the row, and has announced it itself. Forgets it. */
    takeOwn(rowUid: string): boolean {
      const isOwn = own.get(rowUid) !== undefined;
      own.delete(rowUid);
      return isOwn;
    },
  };
}
