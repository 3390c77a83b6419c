import { eq } from 'drizzle-orm';
import { VaultError } from '../../model/errors.ts';
import type { Database } from '../database_interface.ts';
import type { Meta } from '../vault/vault_metadata_store.ts';

/** Throws if rows are missing, because a copy into the database was interrupted. */
export async function refuseUnfinishedCopy(meta: Pick<Meta, 'find'>): Promise<void> {
  if ((await meta.find('unfinished_copy')) === undefined) return;
  throw new VaultError(
    'DATABASE_UNAVAILABLE',
    'The database is an unfinished copy. Run the same `token-vault database copy` again, which completes it.',
    { metadata: { fault: 'unfinished_copy' } },
  );
}

/** Row of `meta` in the target of a copy until it is complete. */
export function unfinishedCopy(database: Database, metadata: Meta) {
  const { meta } = database.tables;
  const remove = database.write('copy.finish', (db) => db.delete(meta).where(eq(meta.key, 'unfinished_copy')));
  return {
    begin: () => metadata.insert('unfinished_copy', Buffer.from(JSON.stringify({ beginTime: Date.now() }))),
    finish: () => remove.step({}, 1),
  };
}
