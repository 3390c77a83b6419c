import SqliteConnection from 'better-sqlite3';

interface ColumnInfo {
  readonly name: string;
  readonly type: string;
  readonly pk: number;
}

/** Adds a row to each empty table, with any values; references lead to the rows of the sample vault. */
export function fillEveryTable(file: string): void {
  const client = new SqliteConnection(file);
  const pick = (sql: string) => client.prepare(sql).pluck().get();
  const known: Readonly<Record<string, unknown>> = {
    tenant_uid: pick('SELECT uid FROM tenants'),
    app_uid: pick('SELECT uid FROM apps'),
    connection_uid: pick('SELECT uid FROM connections'),
    authorization_uid: 'any uid',
    type: 'connection.changed',
  };
  const tables = client
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name <> 'migrations'")
    .pluck()
    .all()
    .map(String);
  client.pragma('foreign_keys = OFF');
  for (const table of tables) {
    if (pick(`SELECT count(*) FROM "${table}"`) !== 0) continue;
    const columns = client.pragma(`table_info("${table}")`) as ColumnInfo[];
    const values = columns.map(({ name, type }) => known[name] ?? sampleValue(name, type));
    client.prepare(`INSERT INTO "${table}" VALUES (${columns.map(() => '?').join(', ')})`).run(...values);
  }
  client.pragma('foreign_keys = ON');
  const orphans = client.pragma('foreign_key_check') as unknown[];
  client.close();
  if (orphans.length > 0) throw new Error(`rows without parents: ${JSON.stringify(orphans)}`);
}

function sampleValue(name: string, type: string): unknown {
  if (type.toLowerCase() === 'integer') return 1;
  if (type.toLowerCase() === 'blob') return Buffer.from([0, 255, 7]);
  // Valid in text and in JSON columns.
  return isJson(name) ? '{"a":[1,null,"ü"]}' : `any ${name}`;
}

function isJson(name: string): boolean {
  return /scopes|permissions|problem|data|root_key_ids/.test(name);
}
