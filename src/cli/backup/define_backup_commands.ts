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
}

const NOTES = `
Exit codes: 0 done · 64 usage, or the database is on PostgreSQL · 65 the data is
damaged or belongs to another program · 69 the database cannot be reached
73 the file exists, or cannot be created · 78 configuration · 130, 143 interrupted`;
