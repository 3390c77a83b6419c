import { readMigrations } from '../../src/store/read_migration_files.ts';
import { openSqlite } from '../../src/store/sqlite/open_sqlite.ts';

const [path = '', user] = process.argv.slice(2);

// All that lies in the checkout is loaded before: another user may not be allowed to look there.
const migrations = readMigrations('sqlite');
await openSqlite({ path: ':memory:', migrations }).close();
if (user !== undefined) become(Number(user));

/** Opens the database at the path, as the user whose id is given, and prints how that went. */
try {
  await openSqlite({ path, migrations }).close();
  console.log('opened');
} catch (error) {
  console.log(JSON.stringify(error));
}

/** The groups first: afterwards it is not allowed any more. */
function become(id: number): void {
  process.setgroups?.([]);
  process.setgid?.(id);
  process.setuid?.(id);
}
