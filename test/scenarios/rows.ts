import { hash } from 'node:crypto';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';

/** Each row that is stored, by table, as the file has it; what the audit log notes of itself is left out. */
export function storedRows(folder: string): Readonly<Record<string, readonly string[]>> {
  const database = new Sqlite(join(folder, 'vault.db'), { readonly: true });
  try {
    const tables = database
      .prepare(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT IN ('meta', 'audit_streams', 'leases')",
      )
      .pluck()
      .all() as string[];
    return Object.fromEntries(
      tables.map((table) => {
        const rows = database.prepare(`SELECT * FROM "${table}"`).raw().all() as unknown[][];
        return [table, rows.map(fingerprint).toSorted()];
      }),
    );
  } finally {
    database.close();
  }
}

function fingerprint(row: readonly unknown[]): string {
  const cells = row.map((cell) => (Buffer.isBuffer(cell) ? cell.toString('hex') : String(cell)));
  return hash('sha256', cells.join('\u0000'), 'hex');
}
