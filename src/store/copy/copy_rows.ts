import { isDeepStrictEqual } from 'node:util';
import { VaultError } from '../../model/errors.ts';
import { type Database, placeholders } from '../database_interface.ts';
import { type AnyRow, createTableReader, type TableName } from './copied_tables.ts';

/** Rows of one commit. */
const BATCH = 1_000;

export interface CopyTableParts {
  readonly source: Database;
  readonly target: Database;
  readonly name: TableName;
  readonly signal: AbortSignal;
  /** Called with the number of rows after each batch. */
  readonly onRows: (rows: number) => void;
}

/** Copies the rows that the target lacks. It has the first ones in the order of the key, from an interrupted copy. */
export async function copyRows({ source, target, name, signal, onRows }: CopyTableParts): Promise<void> {
  const from = createTableReader(source, name);
  const to = createTableReader(target, name);
  const insert = target.write(`copy.${name}`, (db) => db.insert(to.table).values(placeholders(to.columns)));
  let last = await to.last();
  if (last !== undefined) onRows(await to.count());
  for (;;) {
    signal.throwIfAborted();
    const rows = await from.after(last, BATCH);
    if (rows.length === 0) return;
    await target.commit(...rows.map((row) => insert.step(row, 1)));
    onRows(rows.length);
    last = rows.at(-1);
  }
}

/** RECORD_CORRUPT if the tables differ: the source changed since an interrupted copy. */
export async function compareRows({ source, target, name, signal, onRows }: CopyTableParts): Promise<void> {
  const from = createTableReader(source, name);
  const to = createTableReader(target, name);
  for (let last: AnyRow | undefined; ; ) {
    signal.throwIfAborted();
    const [rows, copies] = [await from.after(last, BATCH), await to.after(last, BATCH)];
    for (let at = 0; at < Math.max(rows.length, copies.length); at++) {
      const row = rows[at] ?? copies[at];
      if (row !== undefined && !isDeepStrictEqual(rows[at], copies[at])) throw copyDiffers(name, from.keyOf(row));
    }
    onRows(rows.length);
    last = rows.at(-1);
    if (last === undefined) return;
  }
}

export function copyDiffers(table: string, key: string): VaultError {
  return new VaultError(
    'RECORD_CORRUPT',
    `The copy differs from its source in ${table} ${key}: the source was changed since the copy began. ` +
      'Stop every vault of the source, delete the target, and copy again.',
  );
}
