import { asc, eq, getTableColumns } from 'drizzle-orm';
import type { ContainmentStore } from '../containment_store_interface.ts';
import { placeholders } from '../database_interface.ts';
import type { StoreParts } from '../rows/store_parts.ts';

export function createContainmentStore({ database, changes }: StoreParts): ContainmentStore {
  const { containments } = database.tables;
  const all = placeholders(getTableColumns(containments));
  const isSubject = eq(containments.subject, all.subject);
  const list = database.rows('containments.list', (db) =>
    db.select().from(containments).orderBy(asc(containments.subject)),
  );
  const find = database.rows('containments.find', (db) => db.select().from(containments).where(isSubject));
  const insert = database.write('containments.insert', (db) =>
    db.insert(containments).values(all).onConflictDoNothing(),
  );
  const remove = database.write('containments.delete', (db) => db.delete(containments).where(isSubject));
  const changeOf = (subject: string) => ({ kind: 'containment', uid: subject }) as const;

  return {
    list: () => list.all({}),
    async contain(containment) {
      const { subject } = containment;
      // Announced although it may be stored already: calling again repairs a replica that missed it.
      await changes.commit(changeOf(subject), insert.step({ ...containment }));
      return (await find.first({ subject })) ?? containment;
    },
    async lift(subject) {
      const before = await find.first({ subject });
      await changes.commit(changeOf(subject), remove.step({ subject }));
      return before !== undefined;
    },
  };
}
