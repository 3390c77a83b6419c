import type { MessageInitShape } from '@bufbuild/protobuf';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import type { CredentialSchema } from '../../gen/tokenvault/v1/credential_pb.ts';
import type { CommandStreams } from '../command_streams.ts';
import { readPrivateKey, readSecret, readText } from '../read_input.ts';
import type { CredentialFlags } from './credential_options.ts';

export type Material = NonNullable<MessageInitShape<typeof CredentialSchema>['material']>;

/** What an app authenticates with, as the options describe it. Files are read, and a secret may be typed. */
export async function readMaterial(flags: CredentialFlags, streams: CommandStreams): Promise<Material> {
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
