import type { AppCredentials } from '../../gen/tokenvault/v1/app_service_pb.ts';
import { CredentialSchema } from '../../gen/tokenvault/v1/credential_pb.ts';
import { callVault } from '../call_vault.ts';
import type { CommandStreams } from '../command_streams.ts';
import { messageJson } from '../message_json.ts';
import { type ListFlags, printPages } from '../print_pages.ts';
import { CREDENTIAL_COLUMNS, credentialRow } from './format_credential.ts';

export interface CredentialListFlags extends ListFlags {
  readonly tenant?: string;
}

/** Prints the credentials, and returns the exit code. */
export function listCredentials(flags: CredentialListFlags, streams: CommandStreams): Promise<number> {
  const { tenant: parent = 'tenants/-' } = flags;
  return callVault(flags, ({ apps }) =>
    printPages<AppCredentials>(
      {
        noun: 'apps',
        async read(page) {
          const { apps: items, ...rest } = await apps.listCredentials({ parent, ...page });
          return { items, ...rest };
        },
        head: CREDENTIAL_COLUMNS,
        rows: ({ credentials }) => credentials.map(credentialRow),
        json: ({ credentials }) => credentials.map((credential) => messageJson(CredentialSchema, credential)),
      },
      flags,
      streams,
    ),
  );
}
