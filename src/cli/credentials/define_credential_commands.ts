import type { Command } from 'commander';
import type { CommandStreams } from '../command_streams.ts';
import { defineListCommand, defineVaultCommand } from '../define_vault_command.ts';
import {
  APP_HELP,
  appNameOf,
  CREDENTIAL_HELP,
  credentialNameOf,
  resourceIdOf,
  tenantNameOf,
} from '../resource_names.ts';
import type { AddFlags } from './add_credential.ts';
import { checkCredential, credentialOptions, daysOf } from './credential_options.ts';
import type { CredentialListFlags } from './list_credentials.ts';
import type { RemoveFlags } from './remove_credential.ts';
import type { ReportFlags } from './report_credentials.ts';
import type { RotateFlags } from './rotate_credential.ts';

/** The arguments of `token-vault credentials …`. The modules that do the work are loaded when a command runs. */
export function addCredentialCommands(program: Command, streams: CommandStreams): void {
  const credentials = program.command('credentials').description('the credentials of apps');

  defineListCommand(credentials, 'list', { description: 'list the credentials of apps, app by app', notes: LIST_NOTES })
    .option('--tenant <tenant>', 'of one tenant; default: of all that the caller may access', tenantNameOf)
    .action(async (flags: CredentialListFlags) => {
      const { listCredentials } = await import('./list_credentials.ts');
      process.exitCode = await listCredentials(flags, streams);
    });

  const add = defineVaultCommand(credentials, 'add', {
    description: 'add a credential to an app, and present it to Entra; the others stay in use',
    json: 'print the response of AppService.AddCredential, one JSON object',
    notes: ADD_NOTES,
  })
    .argument('<app>', APP_HELP, appNameOf)
    .argument('<id>', 'the id of the new credential, such as second', resourceIdOf);
  for (const option of credentialOptions()) add.addOption(option);
  add
    .option('--dry-run', 'check the request without storing it')
    .action(async (app: string, id: string, flags: AddFlags) => {
      checkCredential(flags, add);
      const { addCredential } = await import('./add_credential.ts');
      process.exitCode = await addCredential({ app, id }, flags, streams);
    });

  defineVaultCommand(credentials, 'remove', {
    description: 'remove a credential from the vault; it stays valid in Entra until you delete it there',
    json: 'print the credential as it was, one JSON object',
    notes: REMOVE_NOTES,
  })
    .argument('<credential>', CREDENTIAL_HELP, credentialNameOf)
    .option('--force', 'also the last one that works')
    .option('--yes', 'do not ask for confirmation')
    .action(async (name: string, flags: RemoveFlags) => {
      const { removeCredential } = await import('./remove_credential.ts');
      process.exitCode = await removeCredential(name, flags, streams);
    });

  defineVaultCommand(credentials, 'rotate', {
    description:
      "renew an app's client secret or certificate now, as the app itself; the vault runs the steps in the background",
    json: 'print one JSON object',
    notes: ROTATE_NOTES,
  })
    .argument('<app>', APP_HELP, appNameOf)
    .option('--dry-run', 'print the plan without changing anything')
    .action(async (app: string, flags: RotateFlags) => {
      const { rotateCredential } = await import('./rotate_credential.ts');
      process.exitCode = await rotateCredential(app, flags);
    });

  defineVaultCommand(credentials, 'report', {
    description: 'list credentials that need attention: client secrets, those that expire, unused and unknown ones',
    json: 'print one JSON object',
    notes: REPORT_NOTES,
  })
    .option('--tenant <tenant>', 'of one tenant; default: of all that the caller may access', tenantNameOf)
    .option('--expires-within <days>', 'list credentials that expire within this time', daysOf, 60)
    .option('--unused-for <days>', 'list credentials that Entra has not accepted for this time', daysOf, 30)
    .action(async (flags: ReportFlags) => {
      const { reportCredentials } = await import('./report_credentials.ts');
      process.exitCode = await reportCredentials(flags);
    });
}

const LIST_NOTES = `
One JSON object is one credential. --limit counts apps. Those that only the app
registration has are in credentials report.

Exit codes: 0 listed · 64 usage · 65 the vault refuses it, or damaged rows are left
out · 66 a file cannot be read · 69 the vault does not answer
77 the API key is missing, unknown or not an operator's · 130, 143 interrupted`;

const ADD_NOTES = `
Always give --expires for a client secret: the vault may have no other source for it.
Entra may need minutes to know a new secret; meanwhile the others serve.

Exit codes: 0 added, also if Entra does not accept it yet · 64 usage · 65 the vault
refuses it, or a file is empty · 66 a file cannot be read · 69 the vault or its key
source does not answer
77 the API key is missing, unknown or not an operator's for this tenant
130 interrupted while you typed the secret`;

const REMOVE_NOTES = `
Asks on a terminal for the id of the credential. Without a terminal, --yes is needed.
Cached tokens stay valid.

Exit codes: 0 removed · 64 usage, or there is no terminal and no --yes · 65 the vault
refuses it: it does not exist, or is the last one that works
66 a file cannot be read · 69 the vault does not answer
77 the API key is missing, unknown or not an operator's for this tenant
130 not confirmed; nothing was removed`;

const ROTATE_NOTES = `
Exit codes: 0 nothing blocks the rotation · 64 usage · 65 the rotation is blocked,
or the vault refuses it · 66 a file cannot be read · 69 the vault does not answer
77 the API key is missing, unknown or not an operator's for this tenant`;

const REPORT_NOTES = `
The vault answers from its database: it reads app registrations about once a day.

Exit codes: 0 the report is complete · 64 usage · 65 the vault refuses it, or
damaged rows are left out · 66 a file cannot be read · 69 the vault does not answer
77 the API key is missing, unknown or not an operator's for these tenants`;
