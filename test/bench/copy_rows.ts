import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { getTableColumns, getTableName, type Table } from 'drizzle-orm';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import type { Values } from '../../src/store/database_interface.ts';

/** Writes rows with COPY. Values are encoded by the table's own columns, as in an INSERT. */
export async function copyRows(client: pg.Client, table: Table, rows: Iterable<Values>): Promise<void> {
  const columns = Object.entries(getTableColumns(table));
  const names = columns.map(([, column]) => column.name);

  function* lines(): Generator<string> {
    for (const row of rows) {
      const fields = columns.map(([key, column]) => {
        const value = row[key];
        return value == null ? '\\N' : textOf(column.mapToDriverValue(value));
      });
      yield `${fields.join('\t')}\n`;
    }
  }

  const copy = client.query(copyFrom(`COPY ${getTableName(table)} (${names.join(', ')}) FROM STDIN`));
  await pipeline(Readable.from(lines()), copy);
}

/** In the text format of COPY, a backslash escapes. */
function textOf(value: unknown): string {
  if (value instanceof Uint8Array) return `\\\\x${Buffer.from(value).toString('hex')}`;
  return String(value).replaceAll('\\', '\\\\').replaceAll('\t', '\\t').replaceAll('\n', '\\n').replaceAll('\r', '\\r');
}
