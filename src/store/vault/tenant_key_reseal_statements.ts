import {
  and,
  asc,
  eq,
  getTableColumns,
  getTableName,
  gt,
  lte,
  notExists,
  or,
  type SQL,
  type SQLWrapper,
  sql,
} from 'drizzle-orm';
import type { PgColumn } from 'drizzle-orm/pg-core';
import { type Database, type Db, placeholder, type RowsStatement, type WriteStatement } from '../database_interface.ts';
import { nameOf, type SealedRow, type SealedTable, selectRowsOfTenant, type Walk } from '../rows/sealed_tables.ts';

/** Tables whose rows are walked in the same ranges. */
export interface ResealWalk {
  /**
   * The end of the range of ids that begins after `from`: that of the last of `limit` rows. Undefined: there are fewer
   * rows.
   */
  endOfRange(tenantUid: string, from: string, limit: number): Promise<string | undefined>;
  readonly tables: readonly ResealStatements[];
}

/** How values of one table are sealed again. */
export interface ResealStatements {
  readonly sealed: SealedTable;
  /** Rows of a range with a value of an earlier version than `versionBytes`. A range, so that the search is short. */
  readonly pending: RowsStatement<SealedRow>;
  /** Replaces the values of a row on the condition that it has the values that were read. */
  readonly save: WriteStatement;
}

/** Above all ids. */
export const LAST_ID = '\u{10ffff}';

export function createResealWalks(database: Database, tables: readonly SealedTable[]): readonly ResealWalk[] {
  const walks = Map.groupBy(tables, ({ walk }) => walk?.table);
  return [...walks.values()].map((those) => ({
    endOfRange: createEndOfRange(database, those[0]?.walk),
    tables: those.map((sealed) => createResealStatements(database, sealed)),
  }));
}

function createEndOfRange(database: Database, walk: Walk | undefined): ResealWalk['endOfRange'] {
  if (walk === undefined) return async () => undefined;
  const ranges = database.rows(`reseal.range.${getTableName(walk.table)}`, (db) =>
    db
      .select({ id: walk.id })
      .from(walk.table)
      .where(and(eq(walk.owner, placeholder(walk.owner, 'tenantUid')), gt(walk.id, placeholder(walk.id, 'from'))))
      .orderBy(asc(walk.id))
      .limit(1)
      .offset(sql.placeholder('offset')),
  );
  return async (tenantUid, from, limit) => {
    const last = await ranges.first({ tenantUid, from, offset: limit - 1 });
    return last && String(last.id);
  };
}

function createResealStatements(database: Database, sealed: SealedTable): ResealStatements {
  const { table, key, walk } = sealed;
  const name = `reseal.${nameOf(sealed).replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase())}`;
  const columns = Object.entries(sealedColumns(sealed));

  const isInRange = walk && and(gt(walk.id, placeholder(walk.id, 'from')), lte(walk.id, placeholder(walk.id, 'to')));
  const pending = database.rows(name, (db) => selectRowsOfTenant(db, sealed).where(and(isOlder(sealed), isInRange)));
  const save = database.write(`${name}.save`, (db) =>
    db
      .update(table)
      .set(
        Object.fromEntries(columns.map(([property, column]) => [property, placeholder(column, `after_${property}`)])),
      )
      .where(
        and(
          ...Object.entries(key).map(([property, column]) => eq(column, placeholder(column, `key_${property}`))),
          ...columns.map(
            ([property, column]) => sql`${column} IS NOT DISTINCT FROM ${placeholder(column, `before_${property}`)}`,
          ),
        ),
      ),
  );
  return { sealed, pending, save };
}

/** No value of the tenant is sealed under an earlier version than `version`. */
export function nothingOlder(db: Db, tables: readonly SealedTable[]): SQL | undefined {
  return and(
    ...tables.map((sealed) =>
      notExists(selectRowsOfTenant(db, sealed).where(isOlder(sealed)) as unknown as SQLWrapper),
    ),
  );
}

/** For `save`. */
export function valuesToSave({ key, places }: SealedTable, row: SealedRow, after: Readonly<Record<string, Buffer>>) {
  const keys = Object.keys(key).map((property) => [`key_${property}`, row[property]]);
  const values = Object.keys(places).flatMap((property) => [
    [`before_${property}`, row[property]],
    [`after_${property}`, after[property] ?? row[property]],
  ]);
  return Object.fromEntries([...keys, ...values]);
}

function sealedColumns({ table, places }: SealedTable): Readonly<Record<string, PgColumn>> {
  const all: Readonly<Record<string, PgColumn>> = getTableColumns(table as never);
  return Object.fromEntries(Object.entries(all).filter(([property]) => property in places));
}

/** A value begins with two bytes and the version. NULL is not older. */
function isOlder(sealed: SealedTable): SQL | undefined {
  const { walk, where } = sealed;
  const columns = Object.values(sealedColumns(sealed));
  return and(
    walk && eq(walk.owner, placeholder(walk.owner, 'tenantUid')),
    where,
    or(...columns.map((column) => sql`substr(${column}, 3, 4) < ${placeholder(column, 'versionBytes')}`)),
  );
}
