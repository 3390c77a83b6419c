import SqliteConnection from 'better-sqlite3';

/** What `sqlite3 vault.db ".backup backup.db"` makes, also while a vault serves the file. */
export async function backUp(path: string, copy = `${path}.backup`): Promise<string> {
  const client = new SqliteConnection(path, { readonly: true });
  await client.backup(copy);
  client.close();
  return copy;
}
