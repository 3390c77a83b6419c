import { readConfig } from '../../config/read_config_from_environment.ts';
import { migrateAsOwner } from '../../store/postgres/migrate_as_owner.ts';
import { CommandError, EXIT } from '../exit_codes.ts';

/** The parsed options. */
export interface MigrateFlags {
  readonly grantTo?: string;
}

/** Migrates the configured database on PostgreSQL, and returns the exit code. */
export async function migrateDatabase({ grantTo }: MigrateFlags): Promise<number> {
  const { databaseUrl, postgres } = readConfig();
  if (!/^postgres/.test(databaseUrl)) {
    throw new CommandError(
      EXIT.USAGE,
      'TOKENVAULT_DATABASE_URL names a SQLite database, which `token-vault serve` migrates itself. Name a database on PostgreSQL.',
    );
  }
  const wasBehind = await migrateAsOwner(databaseUrl, postgres, grantTo);
  console.log(wasBehind ? 'The database is migrated.' : 'The database needs no migration.');
  if (grantTo !== undefined) console.log(`The role ${grantTo} may read and change all rows, and create nothing.`);
  return EXIT.OK;
}
