import { asc, eq, getTableColumns, gt, lt, sql } from 'drizzle-orm';
import type { StoredEvent, VaultEvent } from '../../model/vault_event.ts';
import type { OutboxStore } from '../background_store_interfaces.ts';
import { type Database, placeholder, placeholders, type Step } from '../database_interface.ts';
import { createFeedCounter } from '../replication/feed_counters.ts';
import { deleteUpTo } from '../rows/delete_up_to.ts';
import { withoutNulls } from '../rows/nulls.ts';
import type { Row } from '../table_definitions.ts';
import { createNumbering } from './number_events.ts';

export type OutboxRows = ReturnType<typeof createOutboxRows>;

/** Writes events in the commits that they describe. */
export function createOutboxRows(database: Database) {
  const { outbox } = database.tables;
  const { sequence: _, number: _number, ...columns } = getTableColumns(outbox);
  // One writer at a time commits in the order of its numbers. Several do not, so a leader numbers what they have committed.
  const number = database.isShared
    ? sql`NULL`
    : sql`(SELECT position - ${placeholder(outbox.number, 'later')} FROM feed WHERE name = 'outbox')`;
  const values = { ...placeholders(columns), number };
  const insert = database.write('outbox.insert', (db) => db.insert(outbox).values(values));
  const insertOnce = database.write('outbox.insertOnce', (db) =>
    db.insert(outbox).values(values).onConflictDoNothing(),
  );
  const counter = createFeedCounter(database, 'outbox');
  const numbering = (events: number) => (database.isShared ? [] : [counter.advance(events)]);
  return {
    /** No step without an event. The caller must make sure that no event with the same dedupe key is stored: such a commit fails. */
    publish(...events: readonly (VaultEvent | undefined)[]): readonly Step[] {
      const given = events.filter((event) => event !== undefined);
      if (given.length === 0) return [];
      // `later`: how many events of the commit have a higher number.
      return [
        ...numbering(given.length),
        ...given.map((event, at) => insert.step({ ...event, later: given.length - 1 - at }, 1)),
      ];
    },
    /** In its own commit. False: an event with the same dedupe key is stored already. */
    publishOnce: async (event: VaultEvent) =>
      (await database.commit(...numbering(1), insertOnce.step({ ...event, later: 0 }, 1))).committed,
    /** True if no event with the dedupe key is stored (the statement's value `dedupeKey`), or if the key is null. */
    isUnpublished: sql`NOT EXISTS (SELECT 1 FROM outbox AS published WHERE published.dedupe_key = ${placeholder(outbox.dedupeKey, 'dedupeKey')})`,
  };
}

export function createOutboxStore(database: Database): OutboxStore {
  const { outbox, feed } = database.tables;
  const last = database.rows('outbox.last', (db) =>
    db.select({ number: feed.position }).from(feed).where(eq(feed.name, 'outbox')),
  );
  const limit = sql.placeholder('limit');

  // Numbers become visible in their order, so a reader that has read up to a number has missed no lower one
  // (docs/adr/0032-changes-feed-and-event-numbers.md). Sequences do not.
  const read = database.rows('outbox.read', (db) =>
    db
      .select()
      .from(outbox)
      .where(gt(outbox.number, placeholder(outbox.number, 'after')))
      .orderBy(asc(outbox.number))
      .limit(limit),
  );
  const where = sql`${lt(outbox.time, placeholder(outbox.time, 'time'))} AND number IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM deliveries AS waiting WHERE waiting.sequence = outbox.sequence)`;
  const sweep = database.write(
    'outbox.sweep',
    deleteUpTo(limit, { table: outbox, key: outbox.sequence, where, lowest: outbox.time }),
  );

  return {
    async read(after, limit) {
      return (await read.all({ after, limit })).map(toStoredEvent);
    },
    last: async () => (await last.first({}))?.number ?? 0,
    number: createNumbering(database),
    sweep: (time, limit) => sweep.run({ time, limit }),
  };
}

/** Type and data belong together, because the row was written from an event. */
export function toStoredEvent(row: Row<'outbox'>): StoredEvent {
  const { sequence, number = 0, ...event } = withoutNulls(row);
  return { sequence, number, event: event as VaultEvent };
}
