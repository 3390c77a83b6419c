import { asc, getTableColumns, gt, inArray, lt, max, type SQL, sql } from 'drizzle-orm';
import type { StoredEvent, VaultEvent } from '../../model/event.ts';
import type { OutboxStore } from '../background_stores.ts';
import { type Database, placeholder, placeholders, type Step } from '../database.ts';
import type { Row } from '../tables.ts';

/** Events as parts of the commits of what happened. */
export interface OutboxRows {
  /** No step without an event. The caller must make sure that no event with the same dedupe key is stored: such a commit fails. */
  publish(event: VaultEvent | undefined): readonly Step[];
  /** In its own commit. False: an event with the same dedupe key is stored already. */
  publishOnce(event: VaultEvent): Promise<boolean>;
  /** True if no event with the dedupe key is stored (the statement's value `dedupeKey`), or if the key is null. */
  readonly isUnpublished: SQL;
}

export function createOutboxRows(database: Database): OutboxRows {
  const { outbox } = database.tables;
  const { sequence: _, ...columns } = getTableColumns(outbox);
  const insert = database.write('outbox.insert', (db) => db.insert(outbox).values(placeholders(columns)));
  const insertOnce = database.write('outbox.insertOnce', (db) =>
    db.insert(outbox).values(placeholders(columns)).onConflictDoNothing(),
  );
  const toRow = (event: VaultEvent) => ({ ...event, dedupeKey: event.dedupeKey ?? null });
  return {
    publish: (event) => (event === undefined ? [] : [insert.step(toRow(event), 1)]),
    publishOnce: async (event) => (await insertOnce.run(toRow(event))) > 0,
    isUnpublished: sql`NOT EXISTS (SELECT 1 FROM outbox AS published WHERE published.dedupe_key = ${placeholder(outbox.dedupeKey, 'dedupeKey')})`,
  };
}

export function createOutboxStore(database: Database): OutboxStore {
  const { outbox } = database.tables;
  const last = database.rows('outbox.last', (db) => db.select({ sequence: max(outbox.sequence) }).from(outbox));
  const limit = sql.placeholder('limit');

  // SQLite writes one commit after the other, so whoever has read up to a number has missed none below it. On PostgreSQL a lower number
  // may be committed after a higher one: there each row will have to keep its `pg_current_xact_id()`, and only rows below
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

/** The row was made of an event, so type and data belong together; JSON has dropped what is undefined. */
export function toStoredEvent({ sequence, dedupeKey, ...event }: Row<'outbox'>): StoredEvent {
  return { sequence, event: { ...event, dedupeKey: dedupeKey ?? undefined } as VaultEvent };
}

export interface ExpiryStoreParts {
  database: Database;
  outbox: OutboxRows;
}
