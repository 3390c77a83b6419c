import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { type AddCredentialResponse, AddCredentialResponseSchema } from '../../gen/tokenvault/v1/app_service_pb.ts';
import { callVault } from '../call_vault.ts';
import type { CommandStreams } from '../command_streams.ts';
import { inCommandTerms } from '../command_terms.ts';
import type { OneFlags } from '../define_vault_command.ts';
import { DRY_RUN } from '../dry_run.ts';
import { EXIT } from '../exit_codes.ts';
import { wrapped } from '../format_table.ts';
import { printResult } from '../print_result.ts';
import type { CredentialFlags } from './credential_options.ts';
import { probeLines } from './format_probe.ts';
import { readMaterial } from './read_credential.ts';

export interface AddFlags extends OneFlags, CredentialFlags {
  readonly dryRun?: true;
}

/** Adds a credential, prints what Entra says about it, and returns the exit code. */
export async function addCredential(
  { app, id }: { readonly app: string; readonly id: string },
  flags: AddFlags,
  streams: CommandStreams,
): Promise<number> {
  const { expires, dryRun = false } = flags;
  const material = await readMaterial(flags, streams);
  const credential = { material, ...(expires !== undefined && { expireTime: timestampFromMs(expires) }) };
  return callVault(flags, async ({ apps }) => {
    const request = { parent: app, credentialId: id, credential, validateOnly: dryRun };
    const message = await apps.addCredential(request);
    const done = dryRun ? `could be added. ${DRY_RUN}` : 'is added.';
    const text = (response: AddCredentialResponse) => [`${app}/credentials/${id} ${done}`, ...responseText(response)];
    printResult({ schema: AddCredentialResponseSchema, message, text }, flags, streams);
    return EXIT.OK;
  });
}

function responseText(response: AddCredentialResponse): readonly string[] {
  const { credentialProbe: probe, warnings, certificateUpload: upload } = response;
  return [
    ...probeLines(probe),
    ...warnings.flatMap((warning) => wrapped(inCommandTerms(`Warning: ${warning}`), 2)),
    ...(upload === undefined
      ? []
      : [
          '',
          'Save it as public.pem, and add it to the app registration:',
          ...upload.certificatePem.trimEnd().split('\n'),
          upload.command,
        ]),
  ];
}
