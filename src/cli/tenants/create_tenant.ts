import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  type RegisterTenantResponse,
  RegisterTenantResponseSchema,
} from '../../gen/tokenvault/v1/tenant_service_pb.ts';
import { type AppFlags, appFields } from '../apps/app_options.ts';
import { createdText } from '../apps/format_created.ts';
import { callVault } from '../call_vault.ts';
import { CLOUDS, type CloudName } from '../cloud_option.ts';
import type { CommandStreams } from '../command_streams.ts';
import type { CredentialFlags } from '../credentials/credential_options.ts';
import { readMaterial } from '../credentials/read_credential.ts';
import type { OneFlags } from '../define_vault_command.ts';
import { EXIT } from '../exit_codes.ts';
import { printResult } from '../print_result.ts';
import { labelsOf } from './tenant_options.ts';

export interface CreateTenantFlags extends OneFlags, AppFlags, CredentialFlags {
  readonly displayName?: string;
  readonly label?: readonly string[];
  readonly directory?: readonly string[];
  readonly catalog?: string;
  readonly preset?: string;
  readonly baseUrl?: string;
  /** Undefined: a tenant without an app. */
  readonly clientId?: string;
  readonly cloud: CloudName;
  readonly dryRun?: true;
}

/** Registers a tenant, with its first app if there is a client id, and returns the exit code. */
export async function createTenant(name: string, flags: CreateTenantFlags, streams: CommandStreams): Promise<number> {
  const {
    displayName = '',
    label = [],
    directory = [],
    catalog = '',
    preset = '',
    baseUrl = '',
    dryRun = false,
  } = flags;
  const app = flags.clientId === undefined ? {} : { app: await registrationOf(flags.clientId, flags, streams) };
  const request = {
    displayName,
    labels: labelsOf(label),
    allowedDirectoryIds: [...directory],
    catalog,
    preset,
    baseUrl,
  };
  return callVault(flags, async ({ tenants }) => {
    const tenantId = name.slice('tenants/'.length);
    const message = await tenants.registerTenant({ tenantId, ...request, ...app, validateOnly: dryRun });
    const text = (response: RegisterTenantResponse) => createdText(name, response, dryRun);
    printResult({ schema: RegisterTenantResponseSchema, message, text }, flags, streams);
    return EXIT.OK;
  });
}

async function registrationOf(clientId: string, flags: CreateTenantFlags, streams: CommandStreams) {
  const { cloud, expires } = flags;
  return {
    clientId,
    cloud: CLOUDS[cloud],
    ...appFields(flags),
    credential: await readMaterial(flags, streams),
    ...(expires !== undefined && { secretExpireTime: timestampFromMs(expires) }),
  };
}
