import { X509Certificate } from 'node:crypto';
import type { Registered } from '../../entra/app_registrations_interface.ts';
import type { CredentialMaterial, UsableCredential } from '../../model/app_credential.ts';
import type { RemoteSecret } from '../../model/key_vault_secret_reader_interface.ts';
import type { OwnCredential, RegisteredCredential } from './match_credentials_with_entra.ts';

/** The credentials of an app that can be matched; Entra lists federated ones elsewhere. `remote`: the current Key Vault secrets, by uid. */
export function ownCredentials(
  usable: readonly UsableCredential[],
  remote: ReadonlyMap<string, RemoteSecret> = new Map(),
): readonly OwnCredential[] {
  return usable.flatMap(({ credential, material }) => {
    const { uid, entraKeyId: keyId, configuredExpireTime } = credential;
    const properties = propertiesOf(material, remote.get(uid));
    if (properties === undefined) return [];
    const endTime = remote.get(uid)?.expireTime ?? configuredExpireTime;
    const identity = properties.identity ?? uid;
    return [{ uid, keyId, endTime, ...properties, identity, mayBeRenewed: material.kind === 'KEY_VAULT_SECRET' }];
  });
}

/** An entry of the registration with its display name. */
export interface NamedCredential extends RegisteredCredential {
  readonly displayName: string;
}

export function registeredCredentials({ passwords, certificates }: Registered): readonly NamedCredential[] {
  return [
    ...passwords.map(({ keyId, hint, displayName, endTime }) => {
      return { keyId, kind: 'CLIENT_SECRET' as const, mark: hint || undefined, displayName, endTime };
    }),
    ...certificates.map(({ keyId, thumbprint, displayName, endTime }) => {
      return { keyId, kind: 'CERTIFICATE' as const, mark: thumbprint, displayName, endTime };
    }),
  ];
}

function propertiesOf(
  material: CredentialMaterial,
  remote: RemoteSecret | undefined,
): (Pick<OwnCredential, 'kind' | 'mark'> & { readonly identity: string | undefined }) | undefined {
  switch (material.kind) {
    case 'CLIENT_SECRET': {
      const { clientSecret } = material;
      return { kind: 'CLIENT_SECRET', mark: clientSecret.hint() || undefined, identity: clientSecret.sha256() };
    }
    case 'KEY_VAULT_SECRET':
      return { kind: 'CLIENT_SECRET', mark: remote?.value.hint() || undefined, identity: remote?.value.sha256() };
    case 'CERTIFICATE':
      return certificateProperties(material.certificateChain);
    case 'KEY_VAULT_CERTIFICATE':
      return certificateProperties(material.certificate);
    case 'FEDERATED':
    case 'MANAGED_IDENTITY':
      return undefined;
  }
}

function certificateProperties(pem: string) {
  const mark = thumbprintOf(pem);
  return { kind: 'CERTIFICATE' as const, mark, identity: mark };
}

/** As Graph shows it: SHA-1, hex in lower case. `pem`: the leaf first. */
export function thumbprintOf(pem: string): string {
  return new X509Certificate(pem).fingerprint.replaceAll(':', '').toLowerCase();
}
