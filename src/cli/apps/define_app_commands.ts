import { type Command, Option } from 'commander';
import { cloudOption } from '../cloud_option.ts';
import type { CommandStreams } from '../command_streams.ts';
import { checkCredential, credentialOptions, hasCredential } from '../credentials/credential_options.ts';
import { defineListCommand, defineVaultCommand, type OneFlags } from '../define_vault_command.ts';
import { collect } from '../repeated_option.ts';
import { APP_HELP, appNameOf, tenantNameOf } from '../resource_names.ts';
import { appOptions, checkRotation, clientIdOption, directoryOf } from './app_options.ts';
import type { CreateAppFlags } from './create_app.ts';
import type { DeleteFlags } from './delete_app.ts';
import type { ConsentFlags } from './request_consent.ts';
import type { AppListFlags, VerifyFlags } from './run_app_commands.ts';
import type { UpdateAppFlags } from './update_app.ts';

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
    json: JSON_TEXT,
    notes: NOTES,
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
    .option('--directory <guid>', 'the directory to use; default: one that is known', directoryOf)
    .option('--mailbox <address>', 'also check whether the app can open this mailbox as itself')
    .action(async (name: string, flags: VerifyFlags) => {
      const { verifyApp } = await import('./run_app_commands.ts');
      process.exitCode = await verifyApp(name, flags, streams);
    });

  defineVaultCommand(apps, 'request-consent', {
    description: 'print the link with which an administrator of a customer approves an app for all users',
    json: 'print the response of ConnectionService.StartAdminConsent, one JSON object',
    notes: CONSENT_NOTES,
  })
    .argument('<app>', APP_HELP, appNameOf)
    .option('--scope <scope>', 'product scope; may be repeated; default: all of the registration', collect)
    .option('--directory <guid>', 'whose administrator approves; default: where they sign in', directoryOf)
    .option('--tenant <tenant>', 'tenant that the app is shared with; default: its owner', tenantNameOf)
    .action(async (name: string, flags: ConsentFlags) => {
      const { requestConsent } = await import('./request_consent.ts');
      process.exitCode = await requestConsent(name, flags, streams);
    });

  const create = defineVaultCommand(apps, 'create', {
    description: 'add an app registration to a tenant, with a first credential if there are options for one',
    json: 'print the response of AppService.CreateApp, one JSON object',
    notes: CREATE_NOTES,
  })
    .argument('<app>', APP_HELP, appNameOf)
    .addOption(clientIdOption().makeOptionMandatory())
    .addOption(cloudOption())
    .option('--display-name <name>', "shown on the connect page; default: the tenant's")
    .addOption(sharingOption())
    .option('--dry-run', 'check the request without storing it');
  for (const option of [...appOptions({ isNew: true }), ...credentialOptions()]) create.addOption(option);
  create.action(async (name: string, flags: CreateAppFlags) => {
    checkRotation(flags, create);
    if (hasCredential(flags)) checkCredential(flags, create);
    const { createApp } = await import('./create_app.ts');
    process.exitCode = await createApp(name, flags, streams);
  });

  const update = defineVaultCommand(apps, 'update', {
    description: 'change settings of an app; what is not named stays. Client id and cloud cannot change',
    json: JSON_TEXT,
    notes: UPDATE_NOTES,
  })
    .argument('<app>', APP_HELP, appNameOf)
    .option('--display-name <name>', 'shown on the connect page')
    .addOption(sharingOption())
    .addOption(new Option('--not-shared', 'no other tenant may use it').conflicts('sharedWith'));
  for (const option of appOptions({ isNew: false })) update.addOption(option);
  update.action(async (name: string, flags: UpdateAppFlags) => {
    checkRotation(flags, update);
    const { changesApp, updateApp } = await import('./update_app.ts');
    if (!changesApp(flags)) update.error('error: give what to change, such as --rotation on');
    process.exitCode = await updateApp(name, flags, streams);
  });

  for (const [verb, description] of [
    ['suspend', 'stop serving tokens through an app, on all replicas within a second; deletes nothing'],
    ['resume', 'serve tokens through a suspended app again'],
  ] as const) {
    defineVaultCommand(apps, verb, { description, json: JSON_TEXT, notes: NOTES })
      .argument('<app>', APP_HELP, appNameOf)
      .action(async (name: string, flags: OneFlags) => {
        const { suspendOrResumeApp } = await import('./update_app.ts');
        process.exitCode = await suspendOrResumeApp(verb, name, flags, streams);
      });
  }

  defineVaultCommand(apps, 'delete', {
    description: 'delete an app with its credentials from the vault; changes nothing in Entra',
    json: 'print the app as it was, one JSON object',
    notes: DELETE_NOTES,
  })
    .argument('<app>', APP_HELP, appNameOf)
    .option('--force', 'also delete the connections of its own tenant; without it, an app that has any stays')
    .option('--yes', 'do not ask for confirmation')
    .action(async (name: string, flags: DeleteFlags) => {
      const { deleteApp } = await import('./delete_app.ts');
      process.exitCode = await deleteApp(name, flags, streams);
    });
}

const JSON_TEXT = 'print the app, one JSON object';

/** Beside the fields of the registration. */
function sharingOption(): Option {
  return new Option('--shared-with <tenant>', "another tenant that may use it, or '*'; may be repeated").argParser(
    (text: string, before?: readonly string[]) => collect(text === '*' ? text : tenantNameOf(text), before),
  );
}

const LIST_NOTES = `
EXPIRES is the first expiry among the credentials.

Exit codes: 0 listed · 64 usage · 65 the vault refuses it, or damaged rows are left
out · 66 a file cannot be read · 69 the vault does not answer
77 the API key is missing, unknown or not an operator's · 130, 143 interrupted`;

const NOTES = `
Exit codes: 0 done · 64 usage · 65 the vault refuses it, such as for an app that
does not exist · 66 a file cannot be read · 69 the vault does not answer
77 the API key is missing, unknown or not an operator's for this tenant`;

const VERIFY_NOTES = `
Exit codes: 0 Entra accepts all credentials, and the mailbox can be opened
64 usage · 65 it does not, the app has no credential, or the vault refuses the call
66 a file cannot be read · 69 the vault does not answer
75 not conclusive: Entra did not answer, a credential is too new, or --directory
is needed
77 the API key is missing, unknown or not an operator's for this tenant`;

const CONSENT_NOTES = `
The link is valid for 7 days. It stays valid until an administrator has approved.

Exit codes: 0 printed · 64 usage · 65 the vault refuses it · 66 a file cannot be read
69 the vault does not answer
77 the API key is missing, unknown, or not an operator's or connector's for this tenant`;

const CREATE_NOTES = `
The credential gets the id default. The next steps are those in Entra. Give --expires for a
client secret: the vault may have no other source for it.

Exit codes: 0 created, also if Entra does not accept the credential yet · 64 usage
65 the vault refuses it, such as for an app that exists, or a file is empty
66 a file cannot be read · 69 the vault or its key source does not answer
77 the API key is missing, unknown or not an operator's for this tenant
130 interrupted while you typed the secret`;

const UPDATE_NOTES = `
--rotation on keeps a window for changes, which AppService.UpdateApp sets.

Exit codes: 0 done · 64 usage · 65 the vault refuses it, such as for an app that
does not exist · 66 a file cannot be read · 69 the vault does not answer
77 the API key is missing, unknown or not an operator's for this tenant`;

const DELETE_NOTES = `
Asks on a terminal for the id of the app. Without a terminal, --yes is needed.

Exit codes: 0 deleted · 64 usage, or there is no terminal and no --yes · 65 the vault
refuses it: the app does not exist, or connections use it
66 a file cannot be read · 69 the vault does not answer
77 the API key is missing, unknown or not an operator's for this tenant
130 not confirmed; nothing was deleted`;
