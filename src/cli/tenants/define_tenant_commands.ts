import { type Command, InvalidArgumentError, Option } from 'commander';
import { appFields, appOptions, checkRotation, clientIdOption } from '../apps/app_options.ts';
import { cloudOption } from '../cloud_option.ts';
import type { CommandStreams } from '../command_streams.ts';
import { checkCredential, credentialOptions, hasCredential } from '../credentials/credential_options.ts';
import { defineListCommand, defineVaultCommand, type OneFlags } from '../define_vault_command.ts';
import type { ListFlags } from '../print_pages.ts';
import { TENANT_HELP, tenantNameOf } from '../resource_names.ts';
import type { CreateTenantFlags } from './create_tenant.ts';
import type { DeleteFlags } from './run_tenant_commands.ts';
import { tenantOptions } from './tenant_options.ts';
import type { UpdateTenantFlags } from './update_tenant.ts';

/** The arguments of `token-vault tenants …`. The modules that do the work are loaded when a command runs. */
export function addTenantCommands(program: Command, streams: CommandStreams): void {
  const tenants = program.command('tenants').description('the tenants of a running vault');

  defineListCommand(tenants, 'list', {
    description: 'list the tenants that the caller may access',
    notes: LIST_NOTES,
  }).action(async (flags: ListFlags) => {
    const { listTenants } = await import('./run_tenant_commands.ts');
    process.exitCode = await listTenants(flags, streams);
  });

  defineVaultCommand(tenants, 'show', { description: 'show a tenant', json: JSON_TEXT, notes: NOTES })
    .argument('<tenant>', TENANT_HELP, tenantNameOf)
    .action(async (name: string, flags: OneFlags) => {
      const { showTenant } = await import('./run_tenant_commands.ts');
      process.exitCode = await showTenant(name, flags, streams);
    });

  const create = defineVaultCommand(tenants, 'create', {
    description: 'register a tenant with its own key and, with --client-id, its app "default"',
    json: 'print the response of TenantService.RegisterTenant, one JSON object',
    notes: CREATE_NOTES,
  }).argument('<tenant>', TENANT_HELP, tenantNameOf);
  for (const option of [...tenantOptions({ isNew: true }), ...firstAppOptions()]) create.addOption(option);
  create
    .option('--dry-run', 'check the request without storing it')
    .action(async (name: string, flags: CreateTenantFlags) => {
      checkFirstApp(flags, create);
      const { createTenant } = await import('./create_tenant.ts');
      process.exitCode = await createTenant(name, flags, streams);
    });

  const update = defineVaultCommand(tenants, 'update', {
    description: 'change settings of a tenant; what is not named stays',
    json: JSON_TEXT,
    notes: NOTES,
  }).argument('<tenant>', TENANT_HELP, tenantNameOf);
  for (const option of tenantOptions({ isNew: false })) update.addOption(option);
  update
    .addOption(new Option('--any-directory', 'accounts of every directory may connect').conflicts('directory'))
    .option('--reminders <days>', 'days before an expiry, such as 90,30,7', remindersOf)
    .action(async (name: string, flags: UpdateTenantFlags) => {
      const { changesTenant, updateTenant } = await import('./update_tenant.ts');
      if (!changesTenant(flags)) update.error('error: give what to change, such as --display-name');
      process.exitCode = await updateTenant(name, flags, streams);
    });

  for (const [verb, description] of [
    ['suspend', 'stop serving tokens of a tenant, on all replicas within a second; deletes nothing'],
    ['resume', 'serve tokens of a suspended tenant again'],
  ] as const) {
    defineVaultCommand(tenants, verb, { description, json: JSON_TEXT, notes: NOTES })
      .argument('<tenant>', TENANT_HELP, tenantNameOf)
      .action(async (name: string, flags: OneFlags) => {
        const { changeTenant } = await import('./run_tenant_commands.ts');
        process.exitCode = await changeTenant(verb, name, flags, streams);
      });
  }

  defineVaultCommand(tenants, 'delete', {
    description: 'delete a tenant with all its data and destroy its keys; cannot be undone, also not from backups',
    json: 'print the tenant as it was, one JSON object',
    notes: DELETE_NOTES,
  })
    .argument('<tenant>', TENANT_HELP, tenantNameOf)
    .option('--force', 'also delete its connections; without it, a tenant that has any stays')
    .option('--yes', 'do not ask for confirmation')
    .action(async (name: string, flags: DeleteFlags) => {
      const { deleteTenant } = await import('./run_tenant_commands.ts');
      process.exitCode = await deleteTenant(name, flags, streams);
    });
}

/** Of the app `default`, and its credential. */
function firstAppOptions(): readonly Option[] {
  const group = 'App registration:';
  return [
    new Option('--preset <product>', 'defaults for aurinko, chatwoot, deskpro, botpress-v12 or botpress-cloud'),
    new Option('--base-url <url>', 'base URL of the product, for the redirect URI of a preset').helpGroup(group),
    clientIdOption().helpGroup(group),
    cloudOption().helpGroup(group),
    ...appOptions({ isNew: true }),
    ...credentialOptions(),
  ];
}

/** Ends the command if options of the app have no app. */
function checkFirstApp(flags: CreateTenantFlags, command: Command): void {
  checkRotation(flags, command);
  if (flags.clientId !== undefined) checkCredential(flags, command);
  else if (flags.baseUrl !== undefined || hasCredential(flags) || Object.keys(appFields(flags)).length > 0)
    command.error('error: the options of the app need --client-id');
}

function remindersOf(text: string): readonly number[] {
  if (/^\d{1,3}(,\d{1,3})*$/.test(text)) return text.split(',').map(Number);
  throw new InvalidArgumentError('Give days, such as 90,30,7.');
}

const JSON_TEXT = 'print the tenant, one JSON object';

const LIST_NOTES = `
EXPIRES is the first expiry among the credentials of its apps.

Exit codes: 0 listed · 64 usage · 65 the vault refuses it, or damaged rows are left out
66 a file cannot be read · 69 the vault does not answer
77 the API key is missing, unknown or not an operator's · 130, 143 interrupted`;

const CREATE_NOTES = `
Without --client-id, the tenant has no app, and connects through apps that are shared with
it. The next steps are those in Entra. Give --expires for a client secret: the vault may
have no other source for it.

Exit codes: 0 created, also if Entra does not accept the credential yet · 64 usage
65 the vault refuses it, such as for a tenant that exists, or a file is empty
66 a file cannot be read · 69 the vault or its key source does not answer
77 the API key is missing, unknown or not an operator's for this tenant
130 interrupted while you typed the secret`;

const NOTES = `
Exit codes: 0 done · 64 usage · 65 the vault refuses it, such as for a tenant that
does not exist · 66 a file cannot be read · 69 the vault does not answer
77 the API key is missing, unknown or not an operator's for this tenant`;

const DELETE_NOTES = `
Asks on a terminal for the id of the tenant. Without a terminal, --yes is needed.
Nothing is revoked in Entra: remove the consent of the app there.

Exit codes: 0 deleted · 64 usage, or there is no terminal and no --yes · 65 the vault
refuses it: the tenant does not exist, has connections, or other tenants use its apps
66 a file cannot be read · 69 the vault does not answer
77 the API key is missing, unknown or not an operator's for this tenant
130 not confirmed; nothing was deleted`;
