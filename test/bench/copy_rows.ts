import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { getTableColumns, getTableName, type Table } from 'drizzle-orm';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import type { Values } from '../../src/store/database_interface.ts';

/** One message, and one system call, for several rows. */
const ROWS_A_CHUNK = 32;

/** Writes rows with COPY. Values are encoded by the table's own columns, as in an INSERT. */
export async function copyRows(client: pg.Client, table: Table, rows: Iterable<Values>): Promise<void> {
  const columns = Object.entries(getTableColumns(table));
  const names = columns.map(([, column]) => column.name);

  const lineOf = (row: Values) =>
    columns.map(([key, column]) => (row[key] == null ? '\\N' : textOf(column.mapToDriverValue(row[key])))).join('\t');

  function* chunks(): Generator<string> {
    let lines: string[] = [];
    for (const row of rows) {
      if (lines.push(`${lineOf(row)}\n`) < ROWS_A_CHUNK) continue;
      yield lines.join('');
      lines = [];
    }
    yield lines.join('');
  }

  const copy = client.query(copyFrom(`COPY ${getTableName(table)} (${names.join(', ')}) FROM STDIN`));
  await pipeline(Readable.from(chunks()), copy);
}

/** In the text format of COPY, a backslash escapes. */
function textOf(value: unknown): string {
  if (value instanceof Uint8Array) return `\\\\x${Buffer.from(value).toString('hex')}`;
  return String(value).replaceAll('\\', '\\\\').replaceAll('\t', '\\t').replaceAll('\n', '\\n').replaceAll('\r', '\\r');
}
