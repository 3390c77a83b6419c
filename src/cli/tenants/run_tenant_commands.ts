import { type Tenant, TenantSchema } from '../../gen/tokenvault/v1/tenant_pb.ts';
import { callVault } from '../call_vault.ts';
import type { CommandStreams } from '../command_streams.ts';
import { confirm } from '../confirm.ts';
import type { OneFlags } from '../define_vault_command.ts';
import { EXIT } from '../exit_codes.ts';
import { messageJson } from '../message_json.ts';
import { type ListFlags, printPages } from '../print_pages.ts';
import { printResult } from '../print_result.ts';
import { TENANT_COLUMNS, tenantRow, tenantText } from './format_tenant.ts';

export interface DeleteFlags extends OneFlags {
  readonly force?: true;
  readonly yes?: true;
}

/** Each prints its result, and returns the exit code. */
export function listTenants(flags: ListFlags, streams: CommandStreams): Promise<number> {
  return callVault(flags, ({ tenants }) =>
    printPages<Tenant>(
      {
        noun: 'tenants',
        async read(page) {
          const { tenants: items, ...rest } = await tenants.listTenants(page);
          return { items, ...rest };
        },
        head: TENANT_COLUMNS,
        rows: (tenant) => [tenantRow(tenant)],
        json: (tenant) => [messageJson(TenantSchema, tenant)],
      },
      flags,
      streams,
    ),
  );
}

export function showTenant(name: string, flags: OneFlags, streams: CommandStreams): Promise<number> {
  return callVault(flags, async ({ tenants }) => {
    const { tenant } = await tenants.getTenant({ name });
    return print(tenant, flags, streams, tenantText);
  });
}

export function changeTenant(
  verb: 'suspend' | 'resume',
  name: string,
  flags: OneFlags,
  streams: CommandStreams,
): Promise<number> {
  return callVault(flags, async ({ tenants }) => {
    const { tenant } = await (verb === 'suspend' ? tenants.suspendTenant({ name }) : tenants.resumeTenant({ name }));
    return print(tenant, flags, streams, () => [`${name} is ${verb === 'suspend' ? 'suspended' : 'active'}.`]);
  });
}

/** The etag makes sure that the tenant is the one that was confirmed. */
export function deleteTenant(name: string, flags: DeleteFlags, streams: CommandStreams): Promise<number> {
  const { force = false } = flags;
  return callVault(flags, async ({ tenants }) => {
    const { tenant } = await tenants.getTenant({ name });
    const what = `${name} (${tenant?.displayName}) with its apps${force ? ', credentials and connections' : ' and credentials'}`;
    await confirm(
      { action: `Deletes ${what}, and destroys its keys.`, id: name.slice('tenants/'.length) },
      flags,
      streams,
    );
    await tenants.deleteTenant({ name, etag: tenant?.etag ?? '', force });
    return print(tenant, flags, streams, () => [`${name} is deleted.`]);
  });
}

function print(
  tenant: Tenant | undefined,
  flags: OneFlags,
  streams: CommandStreams,
  text: (tenant: Tenant) => readonly string[],
): number {
  if (tenant !== undefined) printResult({ schema: TenantSchema, message: tenant, text }, flags, streams);
  return EXIT.OK;
}
