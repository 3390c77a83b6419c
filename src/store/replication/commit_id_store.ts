import { sql } from 'drizzle-orm';
import { type Database, placeholder } from '../database_interface.ts';
import type { CommitIdStore } from '../replication_store_interfaces.ts';
import { deleteUpTo } from '../rows/delete_up_to.ts';

export function createCommitIdStore(database: Database): CommitIdStore {
  const { commits } = database.tables;
  const where = sql`${commits.time} < ${database.dialect.now} - ${placeholder(commits.time, 'age')}`;
  const sweep = database.write(
    'commits.sweep',
    deleteUpTo(sql.placeholder('limit'), { table: commits, key: commits.commitId, where }),
  );
  return { sweep: (age, limit) => sweep.run({ age, limit }) };
}
