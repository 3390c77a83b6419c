import { type Command, Option } from 'commander';
import { helpNotes } from '../help_notes.ts';
import type { ExposureFlags } from './audit_exposure.ts';
import { type OutputFlags, withPeriod } from './audit_flags.ts';
import type { QueryFlags } from './query_audit_log.ts';

/** The arguments of `token-vault audit …`. The modules that do the work are loaded when a command runs. */
export function addAuditCommands(program: Command): void {
  const audit = program.command('audit').description('the audit log (docs/runbook.md, "The audit log")');
  const define = (name: string, description: string, isPeriodRequired = false) =>
    withPeriod(audit.command(name).description(description), isPeriodRequired)
      .argument('[files...]', 'files of one or several replicas (default: those of TOKENVAULT_AUDIT_FILE)')
      .addHelpText('after', helpNotes(NOTES))
      .showHelpAfterError('Add --help for the options.');

  define('verify', 'check the chain of the audit log, and that no file is missing; changes nothing')
    .option('--json', 'one JSON object')
    .action(async (files: string[], flags: OutputFlags) => {
      const { verifyAuditLog } = await import('./verify_audit_log.ts');
      process.exitCode = await verifyAuditLog(files, flags);
    });

  define('query', 'print the entries that match all options, and verify the log on the way')
    .option('--tenant <id>', 'of this tenant')
    .option('--connection <name>', 'of this connection: its id, or tenants/…/connections/…')
    .option('--caller <id>', 'of this caller')
    .option('--method <name>', 'of this method: GetAccessToken, or TokenService/GetAccessToken')
    .option('--request <id>', 'of this request: the reference on an error page, or the id in an error or the log')
    .option('--json', 'one JSON object a line, with stream, file, line and whether the seal is valid')
    .action(async (files: string[], flags: QueryFlags) => {
      const { queryAuditLog } = await import('./query_audit_log.ts');
      process.exitCode = await queryAuditLog(files, flags);
    });

  define('exposure', 'print whose tokens a caller received, when they expire, and what to revoke in Entra', true)
    .requiredOption('--caller <id>', 'the caller')
    .addOption(new Option('--json', 'one JSON object').conflicts('csv'))
    .option('--csv', 'one line per connection or app, directory, and user or client')
    .action(async (files: string[], flags: ExposureFlags) => {
      const { printExposure } = await import('./audit_exposure.ts');
      process.exitCode = await printExposure(files, flags);
    });
}

const NOTES = `
Reads the TOKENVAULT_… variables of serve: the database lists all streams and has the
key of the chain. Give the files of all replicas, rotated ones included, in any order,
uncompressed. With --since or --until, entries of other times may be missing.

Exit codes: 0 intact and complete · 64 usage · 65 the log was changed or lacks entries
of the period, or the data is damaged · 66 a file cannot be read · 69 the database or
the root key cannot be reached · 73 the output cannot be written · 78 configuration
130, 143 interrupted; nothing was changed`;
