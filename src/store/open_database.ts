import { fieldInvalid } from '../model/errors.ts';
import type { Database, StatementMeter } from './database.ts';
import { openSqlite } from './sqlite/open.ts';

export interface DatabaseParts {
  /** `sqlite:PATH` or `sqlite::memory:`. */
  url: string;
  meter?: StatementMeter | undefined;
}

/** FIELD_INVALID for an address of another kind, DATABASE_UNAVAILABLE where it cannot be opened. */
export async function openDatabase({ url, meter }: DatabaseParts): Promise<Database> {
  if (url.startsWith('sqlite:') && url.length > 'sqlite:'.length) {
    return openSqlite({ path: url.slice('sqlite:'.length), meter });
  }
  // The address may hold a password: it is not repeated.
  throw fieldInvalid('TOKENVAULT_DATABASE_URL', 'must be sqlite:PATH; PostgreSQL is not supported yet.');
}
