import type { Command } from 'commander';
import type { CommandStreams } from '../command_streams.ts';
import { defineListCommand, defineVaultCommand, type OneFlags } from '../define_vault_command.ts';
import type { ListFlags } from '../print_pages.ts';
import { TENANT_HELP, tenantNameOf } from '../resource_names.ts';
import type { DeleteFlags } from './run_tenant_commands.ts';

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

const JSON_TEXT = 'print the tenant, one JSON object';

const LIST_NOTES = `
EXPIRES is the first expiry among the credentials of its apps.

Exit codes: 0 listed · 64 usage · 65 the vault refuses it, or damaged rows are left out
66 a file cannot be read · 69 the vault does not answer
77 the API key is missing, unknown or not an operator's · 130, 143 interrupted`;

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
