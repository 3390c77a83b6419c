import { fieldInvalid } from '../model/errors.ts';
import type { Database, StatementMeter } from './database_interface.ts';
import { openPostgres } from './postgres/open_postgres.ts';
import type { PostgresSettings } from './postgres/postgres_settings.ts';
import { openSqlite } from './sqlite/open_sqlite.ts';

export interface DatabaseParts {
  /** `sqlite:PATH`, `sqlite::memory:`, or `postgres://USER@HOST/DATABASE`. */
  url: string;
  postgres?: PostgresSettings | undefined;
  meter?: StatementMeter | undefined;
  /** Do not create a missing database. */
  mustExist?: boolean | undefined;
}

/** FIELD_INVALID for a URL of another kind, DATABASE_UNAVAILABLE if the database cannot be opened. */
export async function openDatabase({ url, postgres, meter, mustExist }: DatabaseParts): Promise<Database> {
  if (url.startsWith('sqlite:') && url.length > 'sqlite:'.length) {
    return openSqlite({ path: url.slice('sqlite:'.length), meter, mustExist });
  }
  if (/^postgres(ql)?:/.test(url)) return openPostgres({ ...postgres, url, meter });
  // The URL may contain a password, so the message does not repeat it.
  throw fieldInvalid('TOKENVAULT_DATABASE_URL', 'must be sqlite:PATH or postgres://USER@HOST/DATABASE.');
}
