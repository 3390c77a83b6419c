import { eq, getTableColumns } from 'drizzle-orm';
import { type Database, placeholders, type Step } from '../database_interface.ts';

export type MetaKey =
  | 'deployment_id'
  | 'canary'
  | 'active_root_key'
  | 'root_keys'
  | 'seal_version'
  | 'audit_key'
  | 'kek_age'
  | 'instance'
  | 'unfinished_copy';

/** Single values by name: ids, keys and times of the vault itself. */
export interface Meta {
  find(key: MetaKey): Promise<Buffer | undefined>;
  /** For a commit that is refused if the key already exists: another replica was faster. */
  insert(key: MetaKey, value: Buffer): Step;
  /** Inserts or replaces the value. */
  save(key: MetaKey, value: Buffer): Promise<void>;
  /** The same, for a commit. */
  saving(key: MetaKey, value: Buffer): Step;
}

export function createMeta(database: Database): Meta {
  const { meta } = database.tables;
  const all = placeholders(getTableColumns(meta));
  const find = database.rows('meta.find', (db) => db.select().from(meta).where(eq(meta.key, all.key)));
  const insert = database.write('meta.insert', (db) => db.insert(meta).values(all).onConflictDoNothing());
  const save = database.write('meta.save', (db) =>
    db
      .insert(meta)
      .values(all)
      .onConflictDoUpdate({ target: meta.key, set: { value: all.value } }),
  );

  return {
    find: async (key) => (await find.first({ key }))?.value,
    insert: (key, value) => insert.step({ key, value }, 1),
    saving: (key, value) => save.step({ key, value }),
    async save(key, value) {
      await save.run({ key, value });
    },
  };
}
