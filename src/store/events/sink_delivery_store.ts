import { and, asc, count, eq, getTableColumns, isNotNull, isNull, lte, type SQL, sql } from 'drizzle-orm';
import type { Delivery } from '../../model/event_delivery.ts';
import type { DeliveryStore } from '../background_store_interfaces.ts';
import { type Database, placeholder, placeholders } from '../database_interface.ts';
import { afterPair, pairKey, toPage } from '../rows/keyset_pagination.ts';
import type { Row } from '../table_definitions.ts';
import { toStoredEvent } from './event_outbox.ts';

export function createDeliveryStore(database: Database): DeliveryStore {
  const { deliveries, outbox, sinks } = database.tables;
  const all = placeholders(getTableColumns(deliveries));
  const { sinkId, sequence } = all;
  const time = placeholder(deliveries.nextTime, 'time');
  const ofSink = eq(deliveries.sinkId, sinkId);
  const one = and(ofSink, eq(deliveries.sequence, sequence));
  const isDeadLetter = isNull(deliveries.nextTime);

  const findCursor = database.rows('sinks.cursor', (db) =>
    db.select({ cursor: sinks.cursor }).from(sinks).where(eq(sinks.sinkId, sinkId)),
  );
  const addSink = database.write('sinks.insert', (db) =>
    db
      .insert(sinks)
      .values({ sinkId, cursor: sql`(SELECT position FROM feed WHERE name = 'outbox')` })
      .onConflictDoNothing(),
  );
  const moveCursor = database.write('sinks.move', (db) =>
    db
      .update(sinks)
      .set({ cursor: placeholder(sinks.cursor, 'to') })
      .where(and(eq(sinks.sinkId, sinkId), eq(sinks.cursor, placeholder(sinks.cursor, 'from')))),
  );
  // All columns, in their order. Selects from the outbox, because an event that was deleted with its tenant must not block the others.
  const insert = database.write('deliveries.insert', (db) =>
    db
      .insert(deliveries)
      .select(
        sql`SELECT ${sinkId}, sequence, 0, NULL, ${time}, ${time}, NULL FROM outbox WHERE ${eq(outbox.sequence, sequence)}`,
      ),
  );
  const due = database.rows('deliveries.due', (db) =>
    db
      .select({ delivery: deliveries, event: outbox })
      .from(deliveries)
      .innerJoin(outbox, eq(outbox.sequence, deliveries.sequence))
      .where(and(ofSink, lte(deliveries.nextTime, time)))
      .orderBy(asc(deliveries.nextTime), asc(deliveries.sequence))
      .limit(sql.placeholder('limit')),
  );
  const remove = database.write('deliveries.delete', (db) => db.delete(deliveries).where(one));
  const postpone = database.write('deliveries.postpone', (db) =>
    db
      .update(deliveries)
      .set({
        attempts: all.attempts,
        lastError: all.lastError,
        nextTime: all.nextTime,
        deadLetterTime: all.deadLetterTime,
      })
      .where(one),
  );
  const redeliver = database.write('deliveries.redeliver', (db) =>
    db
      .update(deliveries)
      .set({ attempts: 0, lastError: null, createTime: time, nextTime: time, deadLetterTime: null })
      .where(and(ofSink, isDeadLetter)),
  );
  /** Reads an index only. */
  const counter = (name: string, condition: SQL) =>
    database.rows(name, (db) =>
      db
        .select({ sinkId: deliveries.sinkId, count: count() })
        .from(deliveries)
        .where(condition)
        .groupBy(deliveries.sinkId),
    );
  const countPending = counter('deliveries.countPending', isNotNull(deliveries.nextTime));
  const countDeadLetters = counter('deliveries.countDeadLetters', isDeadLetter);

  return {
    async cursor(sinkId) {
      const known = await findCursor.first({ sinkId });
      if (known !== undefined) return known.cursor;
      await addSink.run({ sinkId });
      return (await findCursor.first({ sinkId }))?.cursor ?? 0;
    },
    async route({ sinkId, from, to, sequences, time }) {
      const { committed } = await database.commit(
        moveCursor.step({ sinkId, from, to }, 1),
        ...sequences.map((sequence) => insert.step({ sinkId, sequence, time })),
      );
      return committed;
    },
    async due(sinkId, now, limit) {
      return (await due.all({ sinkId, time: now, limit })).map(toDelivery);
    },
    async delivered(sinkId, sequence) {
      await remove.run({ sinkId, sequence });
    },
    async postpone({ sinkId, sequence, attempts, lastError }, nextTime) {
      await postpone.run({ sinkId, sequence, attempts, lastError, nextTime, deadLetterTime: null });
    },
    async deadLetter({ sinkId, sequence, attempts, lastError }, deadLetterTime) {
      await postpone.run({ sinkId, sequence, attempts, lastError, nextTime: null, deadLetterTime });
    },
    async deadLetters(page, sinkId) {
      const rows = await database.select('deliveries.deadLetters', (db) =>
        db
          .select({ delivery: deliveries, event: outbox })
          .from(deliveries)
          .innerJoin(outbox, eq(outbox.sequence, deliveries.sequence))
          .where(
            and(
              isDeadLetter,
              afterPair(page, deliveries.sinkId, deliveries.sequence, sinkId === undefined ? undefined : [sinkId]),
            ),
          )
          .orderBy(asc(deliveries.sinkId), asc(deliveries.sequence))
          .limit(page.size + 1),
      );
      return toPage(rows, page, ({ delivery }) => pairKey(delivery.sinkId, delivery.sequence), toDelivery);
    },
    redeliver: (sinkId, time) => redeliver.run({ sinkId, time }),
    async counts() {
      const pending = (await countPending.all({})).map((row) => ({ ...row, state: 'PENDING' as const }));
      const dead = (await countDeadLetters.all({})).map((row) => ({ ...row, state: 'DEAD_LETTER' as const }));
      return [...pending, ...dead];
    },
  };
}

function toDelivery({ delivery, event }: { delivery: Row<'deliveries'>; event: Row<'outbox'> }): Delivery {
  return {
    ...toStoredEvent(event),
    sinkId: delivery.sinkId,
    attempts: delivery.attempts,
    lastError: delivery.lastError ?? undefined,
    createTime: delivery.createTime,
    nextTime: delivery.nextTime ?? undefined,
    deadLetterTime: delivery.deadLetterTime ?? undefined,
  };
}
