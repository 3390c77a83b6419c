import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { type CreateAppResponse, CreateAppResponseSchema } from '../../gen/tokenvault/v1/app_service_pb.ts';
import { callVault } from '../call_vault.ts';
import { CLOUDS, type CloudName } from '../cloud_option.ts';
import type { CommandStreams } from '../command_streams.ts';
import { type CredentialFlags, hasCredential } from '../credentials/credential_options.ts';
import { readMaterial } from '../credentials/read_credential.ts';
import type { OneFlags } from '../define_vault_command.ts';
import { EXIT } from '../exit_codes.ts';
import { printResult } from '../print_result.ts';
import { type NamedAppFlags, namedFields } from './app_options.ts';
import { createdText } from './format_created.ts';

export interface CreateAppFlags extends OneFlags, NamedAppFlags, CredentialFlags {
  readonly clientId: string;
  readonly cloud: CloudName;
  readonly dryRun?: true;
}

/** Adds an app to a tenant, prints the remaining steps, and returns the exit code. */
export async function createApp(name: string, flags: CreateAppFlags, streams: CommandStreams): Promise<number> {
  const { clientId, cloud, expires, dryRun = false } = flags;
  const credential = hasCredential(flags)
    ? {
        credential: {
          material: await readMaterial(flags, streams),
          ...(expires !== undefined && { expireTime: timestampFromMs(expires) }),
        },
      }
    : {};
  const [parent = '', appId = ''] = name.split('/apps/');
  const app = { clientId, cloud: CLOUDS[cloud], ...namedFields(flags) };
  return callVault(flags, async ({ apps }) => {
    const message = await apps.createApp({ parent, appId, app, ...credential, validateOnly: dryRun });
    const text = (response: CreateAppResponse) => createdText(name, response, dryRun);
    printResult({ schema: CreateAppResponseSchema, message, text }, flags, streams);
    return EXIT.OK;
  });
}
