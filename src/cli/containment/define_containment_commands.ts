import type { Command } from 'commander';
import { helpNotes } from '../help_notes.ts';
import { APP_HELP, appNameOf, TENANT_HELP, tenantNameOf } from '../resource_names.ts';
import { addAccessOptions } from '../vault_access_options.ts';
import type { ChangeFlags, ListFlags, SubjectFlags } from './run_containment_commands.ts';

/** The arguments of `token-vault containment …`. The modules that do the work are loaded when a command runs. */
export function addContainmentCommands(program: Command): void {
  const containment = program
    .command('containment')
    .description('stop the flow of tokens after a breach (docs/runbook.md, "Stop the flow of tokens")');
  const contain = containment
    .command('contain')
    .description('serve nothing for a caller, app, directory or tenant, or for all, from now on, on all replicas')
    .option('--local', 'at the replica of --address only, without the database, until its process ends')
    .addHelpText('after', helpNotes(CONTAIN_NOTES))
    .action(async (flags: ChangeFlags, command: Command) => {
      checkSubject(flags, command);
      const { contain } = await import('./run_containment_commands.ts');
      process.exitCode = await contain(flags);
    });
  const lift = containment
    .command('lift')
    .description('end a containment')
    .option('--local', 'one that contain --local made at the replica of --address')
    .addHelpText('after', helpNotes(LIFT_NOTES))
    .action(async (flags: ChangeFlags, command: Command) => {
      checkSubject(flags, command);
      const { lift } = await import('./run_containment_commands.ts');
      process.exitCode = await lift(flags);
    });
  for (const command of [contain, lift]) {
    command
      .option('--caller <id>', 'a caller of the callers file, which may then call WhoAmI only')
      .option('--app <app>', `an app and its connections in all tenants: ${APP_HELP}`, appNameOf)
      .option('--directory <guid>', 'the accounts of a directory, in all tenants')
      .option('--tenant <tenant>', `a tenant and its apps: ${TENANT_HELP}`, tenantNameOf)
      .option('--all', 'everything that products are served; admin services continue')
      .requiredOption('--reason <text>', 'why; shown to operators and in the audit log. Never a secret');
  }
  const list = containment
    .command('list')
    .description('list what is contained at the replica that answers, also while the database is unavailable')
    .addHelpText('after', helpNotes(LIST_NOTES))
    .action(async (flags: ListFlags) => {
      const { list } = await import('./run_containment_commands.ts');
      process.exitCode = await list(flags);
    });
  for (const command of [contain, lift, list]) {
    command.option('--json', 'print one JSON object').showHelpAfterError('Add --help for the options.');
    addAccessOptions(command);
  }
}

const EXIT_CODES = `
Exit codes: 0 done, at all replicas · 64 usage · 65 the vault refuses it
66 a file cannot be read · 69 the vault does not answer, or the database is unavailable
75 stored, but not applied at all replicas yet: run it again
77 the API key is missing, unknown or not an admin's for all tenants`;

const CONTAIN_NOTES = `
Give one of --caller, --app, --directory, --tenant and --all. What you contain need
not exist. Running it again has no other effect. If the database is unavailable,
run it with --local and the --address of each replica.
${EXIT_CODES}`;

const LIFT_NOTES = `
Give one of --caller, --app, --directory, --tenant and --all, as in contain.
${EXIT_CODES}`;

const LIST_NOTES = `
The JSON object is the response of ContainmentService.ListContainments.

Exit codes: 0 listed · 64 usage · 66 a file cannot be read · 69 the vault does not
answer · 77 the API key is missing, unknown or not an admin's or operator's`;

function checkSubject({ caller, app, directory, tenant, all }: SubjectFlags, command: Command): void {
  const given = [caller, app, directory, tenant, all].filter((value) => value !== undefined);
  if (given.length !== 1) command.error('error: give one of --caller, --app, --directory, --tenant and --all');
}
