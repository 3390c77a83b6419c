import type { Command } from 'commander';
import { helpNotes } from '../help_notes.ts';

/** The arguments of `token-vault config …`. The modules that do the work are loaded when a command runs. */
export function addConfigCommands(program: Command): void {
  program
    .command('config')
    .description('the configuration of the vault')
    .command('check')
    .description('check whether `serve` would start: configuration, files, root key and database; changes nothing')
    .addHelpText('after', helpNotes(NOTES))
    .showHelpAfterError('Add --help for the options.')
    .action(async () => {
      const { checkConfig } = await import('./check_config.ts');
      process.exitCode = await checkConfig();
    });
}

const NOTES = `
Reads the same TOKENVAULT_… variables as serve. Run it before an upgrade or a restart.

The exit code is that of serve, for the first check that failed.

Exit codes: 0 all are ok · 64 usage · 65 the data · 69 something is unavailable
66, 75, 77 the PostgreSQL server · 78 configuration, callers file, catalogs, TLS files`;
