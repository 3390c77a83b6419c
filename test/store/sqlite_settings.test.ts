import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openSqlite } from '../../src/store/sqlite/open_sqlite.ts';
import { sqliteClientOf } from './sqlite_client.ts';
import { temporaryFolder } from './temporary_folder.ts';

test('each opening of a file applies the settings for durability and secrecy', async () => {
  const path = join(temporaryFolder(), 'vault.db');
  for (const _ of ['first', 'next']) {
    const database = openSqlite({ path });
    const client = await sqliteClientOf(database);
    const setting = (name: string) => client.pragma(name, { simple: true });

    expect({
      journal: setting('journal_mode'),
      // FULL: better-sqlite3 falls to NORMAL (1) with WAL by itself.
      synchronous: setting('synchronous'),
      foreignKeys: setting('foreign_keys'),
      secureDelete: setting('secure_delete'),
      trustedSchema: setting('trusted_schema'),
      cellSizeCheck: setting('cell_size_check'),
      tempStore: setting('temp_store'),
    }).toEqual({
      journal: 'wal',
      synchronous: 2,
      foreignKeys: 1,
      secureDelete: 1,
      trustedSchema: 0,
      cellSizeCheck: 1,
      // MEMORY: no page of ours in a temporary file.
      tempStore: 2,
    });
    expect(setting('busy_timeout')).toBeLessThanOrEqual(100);
    await database.close();
  }
});
