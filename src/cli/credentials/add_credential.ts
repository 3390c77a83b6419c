import type { MessageInitShape } from '@bufbuild/protobuf';
import { durationFromMs, timestampFromMs } from '@bufbuild/protobuf/wkt';
import { type AddCredentialResponse, AddCredentialResponseSchema } from '../../gen/tokenvault/v1/app_service_pb.ts';
import { CredentialProbe_OutcomeSchema, type CredentialSchema } from '../../gen/tokenvault/v1/credential_pb.ts';
import type { Duration, Timestamp } from '../../model/clock.ts';
import { callVault } from '../call_vault.ts';
import type { CommandStreams } from '../command_streams.ts';
import type { OneFlags } from '../define_vault_command.ts';
import { enumText } from '../enum_text.ts';
import { EXIT } from '../exit_codes.ts';
import { wrapped } from '../format_table.ts';
import { printResult } from '../print_result.ts';
import { readPrivateKey, readSecret, readText } from '../read_input.ts';

/** Exactly one of them; a private key belongs to a certificate. */
export interface MaterialFlags {
  readonly clientSecretFile?: string;
  readonly certificateFile?: string;
  readonly privateKeyFile?: string;
  readonly generateCertificate?: true;
  readonly assertionFile?: string;
  readonly keyVaultSecret?: string;
  readonly keyVaultCertificate?: string;
  readonly managedIdentity?: string;
}

export interface AddFlags extends OneFlags, MaterialFlags {
  readonly expires?: Timestamp;
  readonly life?: Duration;
  readonly dryRun?: true;
}

type Material = NonNullable<MessageInitShape<typeof CredentialSchema>['material']>;

/** Adds a credential, prints what Entra says about it, and returns the exit code. */
export async function addCredential(
  { app, id }: { readonly app: string; readonly id: string },
  flags: AddFlags,
  streams: CommandStreams,
): Promise<number> {
  const { expires, dryRun = false } = flags;
  const material = await materialOf(flags, streams);
  const credential = { material, ...(expires !== undefined && { expireTime: timestampFromMs(expires) }) };
  return callVault(flags, async ({ apps }) => {
    const request = { parent: app, credentialId: id, credential, validateOnly: dryRun };
    const message = await apps.addCredential(request);
    const done = dryRun ? 'could be added. This was a dry run: nothing was stored.' : 'is added.';
    const text = (response: AddCredentialResponse) => [`${app}/credentials/${id} ${done}`, ...responseText(response)];
    printResult({ schema: AddCredentialResponseSchema, message, text }, flags, streams);
    return EXIT.OK;
  });
}

async function materialOf(flags: AddFlags, streams: CommandStreams): Promise<Material> {
  const { clientSecretFile, certificateFile, privateKeyFile = '', assertionFile, life } = flags;
  if (clientSecretFile !== undefined) {
    const secret = await readSecret(clientSecretFile, 'client secret', streams);
    return { case: 'clientSecret', value: secret.reveal() };
  }
  if (certificateFile !== undefined) {
    const certificatePem = await readText(certificateFile, streams);
    const key = await readPrivateKey(privateKeyFile, streams);
    return { case: 'certificate', value: { certificatePem, privateKeyPem: key.reveal() } };
  }
  if (assertionFile !== undefined) return { case: 'federated', value: { assertionFile } };
  if (flags.keyVaultSecret !== undefined) return { case: 'keyVaultSecret', value: { secretUri: flags.keyVaultSecret } };
  if (flags.keyVaultCertificate !== undefined)
    return { case: 'keyVaultCertificate', value: { certificateUri: flags.keyVaultCertificate } };
  if (flags.managedIdentity !== undefined)
    return { case: 'managedIdentity', value: { clientId: flags.managedIdentity } };
  return { case: 'generatedCertificate', value: life === undefined ? {} : { life: durationFromMs(life) } };
}

function responseText(response: AddCredentialResponse): readonly string[] {
  const { credentialProbe: probe, warnings, certificateUpload: upload } = response;
  return [
    ...(probe === undefined
      ? []
      : wrapped(`Entra: ${enumText(CredentialProbe_OutcomeSchema, probe.outcome)}. ${probe.message}`.trim(), 2)),
    ...warnings.flatMap((warning) => wrapped(`Warning: ${warning}`, 2)),
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
