import { and } from 'drizzle-orm';
import type { Place } from '../../keyring/keyring.ts';
import type { Database } from '../database_interface.ts';
import { createBatchReader } from '../rows/read_in_batches.ts';
import { nameOf, type SealedRow, sealedTables, selectRows, valuesIn } from '../rows/sealed_tables.ts';

export interface SealedValue {
  /** Table and column as in SQL. */
  readonly table: string;
  readonly column: string;
  /** The key of the row; of an access token, connection and resource with a space between them. */
  readonly uid: string;
  readonly tenantUid: string;
  readonly place: Place;
  readonly bytes: Buffer;
}

/** Every sealed value of a database, to verify a backup. */
export async function* readSealedValues(database: Database): AsyncGenerator<SealedValue> {
  const inBatches = createBatchReader(database);
  for (const sealed of sealedTables(database.tables)) {
    const rows = inBatches<SealedRow>(sealed.key, (db, { where, order, limit }) =>
      selectRows(db, sealed)
        .where(and(sealed.where, where))
        .orderBy(...order)
        .limit(limit),
    );
    for await (const row of rows) {
      for (const { column, place, bytes } of valuesIn(sealed, row)) {
        const [uid, tenantUid] = [place.recordUid, place.tenantUid];
        yield { table: nameOf(sealed), column: column.name, uid, tenantUid, place, bytes };
      }
    }
  }
}
