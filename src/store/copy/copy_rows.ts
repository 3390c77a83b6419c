import { isDeepStrictEqual } from 'node:util';
import { VaultError } from '../../model/errors.ts';
import { type Database, placeholder, type Step, type WriteStatement } from '../database_interface.ts';
import { type AnyRow, createTableReader, type TableName, type TableReader } from './copied_tables.ts';

/** Rows of one commit. With fewer, SQLite would write the pages of the indexes more often. */
const BATCH = 2_000;
/** Rows of one statement on PostgreSQL, which plans each statement that it receives. */
const ROWS_A_STATEMENT = 50;

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
  const insert = createInsert(target, name, to);
  let last = await to.last();
  if (last !== undefined) onRows(await to.count());
  for (;;) {
    signal.throwIfAborted();
    const rows = await from.after(last, BATCH);
    if (rows.length === 0) return;
    await target.commit(...insert(rows));
    onRows(rows.length);
    last = rows.at(-1);
  }
}

/** Steps that insert rows, many with each statement. */
function createInsert(target: Database, name: TableName, { table, columns }: TableReader) {
  const statements = new Map<number, WriteStatement>();

  function statementFor(count: number): WriteStatement {
    const known = statements.get(count);
    if (known !== undefined) return known;
    const rows = Array.from({ length: count }, (_, at) =>
      Object.fromEntries(Object.entries(columns).map(([key, column]) => [key, placeholder(column, `${at}.${key}`)])),
    );
    const statement = target.write(`copy.${name}.${count}`, (db) => db.insert(table).values(rows));
    statements.set(count, statement);
    return statement;
  }

  const most = target.isShared ? ROWS_A_STATEMENT : 1;
  return function* steps(rows: readonly AnyRow[]): Generator<Step> {
    for (let from = 0; from < rows.length; from += most) {
      const part = rows.slice(from, from + most);
      const values = part.flatMap((row, at) => Object.entries(row).map(([key, value]) => [`${at}.${key}`, value]));
      yield statementFor(part.length).step(Object.fromEntries(values), part.length);
    }
  };
}

/** RECORD_CORRUPT if the tables differ: the source changed since an interrupted copy. */
export async function compareRows({ source, target, name, signal, onRows }: CopyTableParts): Promise<void> {
  const from = createTableReader(source, name);
  const to = createTableReader(target, name);
  for (let last: AnyRow | undefined; ; ) {
    signal.throwIfAborted();
    const [rows, copies] = await Promise.all([from.after(last, BATCH), to.after(last, BATCH)]);
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
