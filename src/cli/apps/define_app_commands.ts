import { type Command, InvalidArgumentError } from 'commander';
import { GUID } from '../../model/id_patterns.ts';
import type { CommandStreams } from '../command_streams.ts';
import { defineListCommand, defineVaultCommand, type OneFlags } from '../define_vault_command.ts';
import { APP_HELP, appNameOf, tenantNameOf } from '../resource_names.ts';
import type { AppListFlags, VerifyFlags } from './run_app_commands.ts';

/** The arguments of `token-vault apps …`. The modules that do the work are loaded when a command runs. */
export function addAppCommands(program: Command, streams: CommandStreams): void {
  const apps = program.command('apps').description('the app registrations that a running vault uses');

  defineListCommand(apps, 'list', {
    description: 'list apps, with the state of each at Entra and its first expiry',
    notes: LIST_NOTES,
  })
    .option('--tenant <tenant>', 'of one tenant; default: of all that the caller may access', tenantNameOf)
    .action(async (flags: AppListFlags) => {
      const { listApps } = await import('./run_app_commands.ts');
      process.exitCode = await listApps(flags, streams);
    });

  defineVaultCommand(apps, 'show', {
    description: 'show an app, its credentials, and what does not work',
    json: 'print the app, one JSON object',
    notes: SHOW_NOTES,
  })
    .argument('<app>', APP_HELP, appNameOf)
    .action(async (name: string, flags: OneFlags) => {
      const { showApp } = await import('./run_app_commands.ts');
      process.exitCode = await showApp(name, flags, streams);
    });

  defineVaultCommand(apps, 'verify', {
    description: 'present every credential of an app to Entra, and print the result and the remaining steps',
    json: 'print the response of AppService.VerifyApp, one JSON object',
    notes: VERIFY_NOTES,
  })
    .argument('<app>', APP_HELP, appNameOf)
    .option('--directory <guid>', 'the directory to use; default: one that is known', guidOf)
    .option('--mailbox <address>', 'also check whether the app can open this mailbox as itself')
    .action(async (name: string, flags: VerifyFlags) => {
      const { verifyApp } = await import('./run_app_commands.ts');
      process.exitCode = await verifyApp(name, flags, streams);
    });
}

function guidOf(text: string): string {
  if (GUID.test(text)) return text;
  throw new InvalidArgumentError('Give the id of a directory, such as 5b1d2a3e-0000-4000-8000-000000000001.');
}

const LIST_NOTES = `
EXPIRES is the first expiry among the credentials.

Exit codes: 0 listed · 64 usage · 65 the vault refuses it, or damaged rows are left
out · 66 a file cannot be read · 69 the vault does not answer
77 the API key is missing, unknown or not an operator's · 130, 143 interrupted`;

const SHOW_NOTES = `
Exit codes: 0 shown · 64 usage · 65 the vault refuses it, such as for an app that
does not exist · 66 a file cannot be read · 69 the vault does not answer
77 the API key is missing, unknown or not an operator's for this tenant`;

const VERIFY_NOTES = `
Exit codes: 0 Entra accepts all credentials, and the mailbox can be opened
64 usage · 65 it does not, the app has no credential, or the vault refuses the call
66 a file cannot be read · 69 the vault does not answer
75 not conclusive: Entra did not answer, a credential is too new, or --directory
is needed
77 the API key is missing, unknown or not an operator's for this tenant`;
