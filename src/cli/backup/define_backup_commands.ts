import type { Command } from 'commander';
import { helpNotes } from '../help_notes.ts';
import type { CreateFlags } from './create_backup.ts';

/** The arguments of `token-vault backup …`. The modules that do the work are loaded when a command runs. */
export function addBackupCommands(program: Command): void {
  const backup = program
    .command('backup')
    .description('backups of the database (docs/runbook.md, "Backup and restore")');

  backup
    .command('create')
    .description('back up the database TOKENVAULT_DATABASE_URL into one file, also while a vault serves it')
    .requiredOption('--to <file>', 'the file to create, readable by its owner only')
    .option('--overwrite', 'replace the file if it exists')
    .addHelpText('after', helpNotes(CREATE))
    .showHelpAfterError('Add --help for the options.')
    .action(async (flags: CreateFlags) => {
      const { createBackup } = await import('./create_backup.ts');
      process.exitCode = await createBackup(flags);
    });

  backup
    .command('verify')
    .description('open every sealed value of a backup with the root key TOKENVAULT_KEY_SOURCE; changes nothing')
    .argument('<backup>', 'a file of backup create, or postgres://USER@HOST/DATABASE of a restored database')
    .addHelpText('after', helpNotes(VERIFY))
    .showHelpAfterError('Add --help for the options.')
    .action(async (file: string) => {
      const { verifyBackup } = await import('./verify_backup.ts');
      process.exitCode = await verifyBackup(file);
    });

  backup
    .command('restored')
    .description('mark the database TOKENVAULT_DATABASE_URL as restored, before a vault serves it')
    .addHelpText('after', helpNotes(RESTORED))
    .showHelpAfterError('Add --help for the options.')
    .action(async () => {
      const { markAsRestored } = await import('./mark_as_restored.ts');
      process.exitCode = await markAsRestored();
    });
}

const CREATE = `
Exit codes: 0 done · 64 usage, or the database is on PostgreSQL · 65 the data is
damaged or belongs to another program · 69 the database cannot be reached
73 the file exists, or cannot be created · 78 configuration · 130, 143 interrupted`;

const VERIFY = `
Prints each value that does not open, with table, row and column, and the root keys
that the backup needs.

Exit codes: 0 every value opens · 64 usage · 65 one does not, or the root key is another one
69 the backup or the root key cannot be read · 78 configuration · 130, 143 interrupted`;

const RESTORED = `
The database gets a new instance id, so that the rotations of this copy neither
remove nor reuse client secrets of the database that it was copied from.

Exit codes: 0 done · 64 usage · 65 the data is damaged, or has no vault in it · 69 the database
cannot be reached, or a vault serves it · 78 configuration`;
