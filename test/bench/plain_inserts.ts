import { randomBytes, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import Database from 'better-sqlite3';

/**
 * The limit of the disk: rows as wide as those of an imported connection, with as many indices, 64 a durable commit.
 * `argv`: folder, number of rows. Sends the rows a second to the parent.
 */
const [folder = '', rows = '0'] = process.argv.slice(2);
const PER_COMMIT = 64;
const database = new Database(join(folder, 'plain.db'));
database.pragma('journal_mode = WAL');
database.pragma('synchronous = FULL');
database.pragma('secure_delete = ON');
database.exec(`
  CREATE TABLE connection (
    uid TEXT PRIMARY KEY, tenant TEXT NOT NULL, name TEXT NOT NULL, external_id TEXT, facts TEXT NOT NULL, refresh_token BLOB NOT NULL,
    UNIQUE (tenant, name)
  ) STRICT;
  CREATE UNIQUE INDEX by_external_id ON connection (tenant, external_id);
  CREATE TABLE event (uid TEXT PRIMARY KEY, facts TEXT NOT NULL) STRICT;
`);
const connection = database.prepare('INSERT INTO connection VALUES (?, ?, ?, ?, ?, ?)');
const event = database.prepare('INSERT INTO event VALUES (?, ?)');
const facts = JSON.stringify({ granted: { 'https://graph.microsoft.com': ['Mail.ReadWrite'] }, more: 'x'.repeat(300) });
const sealed = randomBytes(1_600);
const commit = database.transaction((from: number) => {
  for (let number = from; number < from + PER_COMMIT; number += 1) {
    connection.run(randomUUID(), 'bench', `user-${number}`, `external-${number}`, facts, sealed);
    event.run(randomUUID(), facts);
  }
});
const started = performance.now();
for (let number = 0; number < Number(rows); number += PER_COMMIT) commit(number);
process.send?.({ rate: Number(rows) / ((performance.now() - started) / 1_000) });
database.close();
