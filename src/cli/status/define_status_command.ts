import type { Command } from 'commander';
import { helpNotes } from '../help_notes.ts';
import { addAccessOptions } from '../vault_access_options.ts';
import type { StatusFlags } from './run_status_command.ts';

/** The arguments of the status command. The modules that do the work are loaded when it runs. */
export function addStatusCommand(program: Command): void {
  const command = program
    .command('status')
    .description('show whether a running vault is ready, its replicas, leaders and keys, and what expires next')
    .option('--json', 'print one JSON object')
    .addHelpText('after', helpNotes(NOTES))
    .showHelpAfterError('Add --help for the options.')
    .action(async (flags: StatusFlags) => {
      const { printStatus } = await import('./run_status_command.ts');
      process.exitCode = await printStatus(flags);
    });
  addAccessOptions(command);
}

const NOTES = `
The JSON object is the response of StatusService.GetStatus.

Exit codes: 0 the vault is ready · 64 usage · 66 a file cannot be read
69 the vault does not answer · 75 the vault answers and is not ready
77 the API key is missing, unknown or not an operator's for all tenants`;
