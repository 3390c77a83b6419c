import type { Command } from 'commander';
import type { CreateFlags } from './create_backup.ts';

/** The arguments of `token-vault backup …`. The modules that do the work are loaded when a command runs. */
export function addBackupCommands(program: Command): void {
  const backup = program
    .command('backup')
    .description('backups of the database (docs/runbook.md, "Backup and restore")')
    .addHelpText('after', NOTES);

  backup
    .command('create')
    .description('back up the database TOKENVAULT_DATABASE_URL into one file, also while a vault serves it')
    .requiredOption('--to <file>', 'the file to create, readable by its owner only')
    .option('--overwrite', 'replace the file if it exists')
    .addHelpText('after', NOTES)
    .showHelpAfterError('Add --help for the options.')
    .action(async (flags: CreateFlags) => {
      const { createBackup } = await import('./create_backup.ts');
      process.exitCode = await createBackup(flags);
    });

  backup
    .command('restored')
    .description('mark the database TOKENVAULT_DATABASE_URL as restored, before a vault serves it')
    .addHelpText('after', RESTORED)
    .showHelpAfterError('Add --help for the options.')
    .action(async () => {
      const { markAsRestored } = await import('./mark_as_restored.ts');
      process.exitCode = await markAsRestored();
    });
}

const RESTORED = `
The database gets a new instance id, so that the rotations of this copy neither
remove nor reuse client secrets of the database that it was copied from.

Exit codes: 0 done · 65 the data is damaged, or has no vault in it · 69 the database
cannot be reached, or a vault serves it · 78 configuration`;

const NOTES = `
Exit codes: 0 done · 64 usage, or the database is on PostgreSQL · 65 the data is
damaged or belongs to another program · 69 the database cannot be reached
73 the file exists, or cannot be created · 78 configuration · 130, 143 interrupted`;
