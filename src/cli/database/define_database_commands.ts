import { type Command, InvalidArgumentError } from 'commander';
import { helpNotes } from '../help_notes.ts';
import type { CopyFlags } from './copy_to_other_database.ts';
import type { MigrateFlags } from './migrate_database.ts';

/** The arguments of `token-vault database …`. The modules that do the work are loaded when a command runs. */
export function addDatabaseCommands(program: Command): void {
  const database = program.command('database').description('the database of the vault');
  database
    .command('migrate')
    .description('apply missing migrations to the database on PostgreSQL, as the owner of its tables')
    .option('--grant-to <role>', 'the role of the vault, which then may read and change rows, and create nothing')
    .addHelpText('after', helpNotes(MIGRATION_NOTES))
    .showHelpAfterError('Add --help for the options.')
    .action(async (flags: MigrateFlags) => {
      const { migrateDatabase } = await import('./migrate_database.ts');
      process.exitCode = await migrateDatabase(flags);
    });
  database
    .command('copy')
    .description('copy all rows into an empty database, also of the other kind; every vault of the source is stopped')
    .requiredOption('--from <url>', 'the source: sqlite:PATH or postgres://USER@HOST/DATABASE', urlOf)
    .requiredOption('--to <url>', 'the target, empty: sqlite:PATH or postgres://USER@HOST/DATABASE', urlOf)
    .addHelpText('after', helpNotes(NOTES))
    .showHelpAfterError('Add --help for the options.')
    .action(async (flags: CopyFlags) => {
      const { copyToOtherDatabase } = await import('./copy_to_other_database.ts');
      process.exitCode = await copyToOtherDatabase(flags);
    });
}

const MIGRATION_NOTES = `
Reads the TOKENVAULT_DATABASE_… variables. The URL names the owner as user, and the
server itself: through a pooler, the build of a large index fails. Replicas of the
previous version keep running. Set TOKENVAULT_MIGRATE=off for the vault itself.

Exit codes: 0 migrated · 64 usage · 65 the schema is newer than this program · 66, 69,
75, 77, 78 as for \`token-vault serve\``;

const NOTES = `
Sealed values stay sealed under the same root key. If the copy is interrupted, run
the same command again to complete it; until then, no vault serves the target. How to
connect to PostgreSQL (password file, CA file) is read from the TOKENVAULT_DATABASE_…
variables, with TOKENVAULT_DATABASE_URL set to the database on PostgreSQL.

Exit codes: 0 copied and compared · 64 usage · 65 the data is damaged, the target is
not empty, or the source was changed meanwhile · 69 a database cannot be reached, or
a vault serves it · 78 configuration · 130, 143 interrupted`;

function urlOf(text: string): string {
  if (/^sqlite:(?!:memory:).+|^postgres(ql)?:\/\/.+/.test(text)) return text;
  throw new InvalidArgumentError('Give sqlite:PATH or postgres://USER@HOST/DATABASE.');
}
