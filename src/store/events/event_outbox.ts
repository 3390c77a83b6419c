import { asc, getTableColumns, gt, inArray, lt, max, sql } from 'drizzle-orm';
import type { StoredEvent, VaultEvent } from '../../model/vault_event.ts';
import type { OutboxStore } from '../background_store_interfaces.ts';
import { type Database, placeholder, placeholders, type Step } from '../database_interface.ts';
import { withoutNulls } from '../rows/nulls.ts';
import type { Row } from '../table_definitions.ts';

export type OutboxRows = ReturnType<typeof createOutboxRows>;

/** Writes events in the commits that they describe. */
export function createOutboxRows(database: Database) {
  const { outbox } = database.tables;
  const { sequence: _, number: _number, ...columns } = getTableColumns(outbox);
  const insert = database.write('outbox.insert', (db) => db.insert(outbox).values(placeholders(columns)));
  const insertOnce = database.write('outbox.insertOnce', (db) =>
    db.insert(outbox).values(placeholders(columns)).onConflictDoNothing(),
  );
  return {
    /** No step without an event. The caller must make sure that no event with the same dedupe key is stored: such a commit fails. */
    publish: (event: VaultEvent | undefined): readonly Step[] =>
      event === undefined ? [] : [insert.step({ ...event }, 1)],
    /** In its own commit. False: an event with the same dedupe key is stored already. */
    publishOnce: async (event: VaultEvent) => (await insertOnce.run({ ...event })) > 0,
    /** True if no event with the dedupe key is stored (the statement's value `dedupeKey`), or if the key is null. */
    isUnpublished: sql`NOT EXISTS (SELECT 1 FROM outbox AS published WHERE published.dedupe_key = ${placeholder(outbox.dedupeKey, 'dedupeKey')})`,
  };
}

export function createOutboxStore(database: Database): OutboxStore {
  const { outbox } = database.tables;
  const last = database.rows('outbox.last', (db) => db.select({ sequence: max(outbox.sequence) }).from(outbox));
  const limit = sql.placeholder('limit');

  // SQLite serializes commits, so a reader that has read up to a sequence has missed no lower one. On PostgreSQL a lower sequence may be
  // committed after a higher one: each row will have to store its `pg_current_xact_id()`, and only rows below
  // `pg_snapshot_xmin(pg_current_snapshot())` may be read, in the order of (transaction, sequence).
  const read = database.rows('outbox.read', (db) =>
    db
      .select()
      .from(outbox)
      .where(gt(outbox.sequence, placeholder(outbox.sequence, 'after')))
      .orderBy(asc(outbox.sequence))
      .limit(limit),
  );
  const sweep = database.write('outbox.sweep', (db) =>
    db.delete(outbox).where(
      inArray(
        outbox.sequence,
        db
          .select({ sequence: outbox.sequence })
          .from(outbox)
          .where(
            sql`${lt(outbox.time, placeholder(outbox.time, 'time'))}
                AND NOT EXISTS (SELECT 1 FROM deliveries AS waiting WHERE waiting.sequence = outbox.sequence)`,
          )
          .orderBy(asc(outbox.time))
          .limit(limit),
      ),
    ),
  );

  return {
    async read(after, limit) {
      return (await read.all({ after, limit })).map(toStoredEvent);
    },
    last: async () => (await last.first({}))?.sequence ?? 0,
    sweep: (time, limit) => sweep.run({ time, limit }),
  };
}

/** Type and data belong together, because the row was written from an event. */
export function toStoredEvent(row: Row<'outbox'>): StoredEvent {
  const { sequence, number: _, ...event } = withoutNulls(row);
  return { sequence, event: event as VaultEvent };
}
