import { TenantSchema } from '../../gen/tokenvault/v1/tenant_pb.ts';
import { callVault } from '../call_vault.ts';
import type { CommandStreams } from '../command_streams.ts';
import type { OneFlags } from '../define_vault_command.ts';
import { EXIT } from '../exit_codes.ts';
import { printResult } from '../print_result.ts';
import { tenantText } from './format_tenant.ts';
import { labelsOf } from './tenant_options.ts';

export interface UpdateTenantFlags extends OneFlags {
  readonly displayName?: string;
  readonly label?: readonly string[];
  readonly directory?: readonly string[];
  readonly anyDirectory?: true;
  readonly catalog?: string;
  readonly reminders?: readonly number[];
}

/** Whether an option changes something. */
export function changesTenant(flags: UpdateTenantFlags): boolean {
  return pathsOf(flags).length > 0;
}

/** Changes what the options name, prints the tenant, and returns the exit code. */
export function updateTenant(name: string, flags: UpdateTenantFlags, streams: CommandStreams): Promise<number> {
  const { displayName = '', label = [], directory = [], catalog = '', reminders = [] } = flags;
  return callVault(flags, async ({ tenants }) => {
    const { tenant: before } = await tenants.getTenant({ name });
    // Labels by which rules select tenants are not an operator's to change.
    const kept = Object.entries(before?.labels ?? {}).filter(([key]) => key.startsWith('access.'));
    const { tenant } = await tenants.updateTenant({
      tenant: {
        name,
        etag: before?.etag ?? '',
        displayName,
        labels: { ...Object.fromEntries(kept), ...labelsOf(label) },
        allowedDirectoryIds: [...directory],
        catalog,
        expiryThresholdsDays: [...reminders],
      },
      updateMask: { paths: [...pathsOf(flags)] },
    });
    if (tenant !== undefined) printResult({ schema: TenantSchema, message: tenant, text: tenantText }, flags, streams);
    return EXIT.OK;
  });
}

function pathsOf(flags: UpdateTenantFlags): readonly string[] {
  const { displayName, label, directory, anyDirectory, catalog, reminders } = flags;
  return [
    displayName === undefined ? [] : ['display_name'],
    label === undefined ? [] : ['labels'],
    (directory ?? anyDirectory) === undefined ? [] : ['allowed_directory_ids'],
    catalog === undefined ? [] : ['catalog'],
    reminders === undefined ? [] : ['expiry_thresholds_days'],
  ].flat();
}
