import { eq, sql } from 'drizzle-orm';
import { type Database, placeholder, type Step } from '../database_interface.ts';

/** A step that raises a counter. Its row lock, held until the end of the commit, puts commits into the order of the counter. */
export function createFeedCounter(database: Database, name: 'changes' | 'outbox'): { advance(by?: number): Step } {
  const { feed } = database.tables;
  const advance = database.write(`feed.${name}`, (db) =>
    db
      .update(feed)
      .set({ position: sql`${feed.position} + ${placeholder(feed.position, 'by')}` })
      .where(eq(feed.name, placeholder(feed.name, 'name'))),
  );
  return { advance: (by = 1) => advance.step({ name, by }, 1) };
}

/** For the setup of a new database. */
export function insertFeedCounters(database: Database): readonly Step[] {
  const { feed } = database.tables;
  const name = placeholder(feed.name, 'name');
  const insert = database.write('feed.insert', (db) => db.insert(feed).values({ name, position: 0 }));
  return ['changes', 'outbox'].map((name) => insert.step({ name }, 1));
}
