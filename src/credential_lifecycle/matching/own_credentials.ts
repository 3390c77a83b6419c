import { X509Certificate } from 'node:crypto';
import type { Registered } from '../../entra/app_registrations.ts';
import type { CredentialMaterial, UsableCredential } from '../../model/credential.ts';
import type { RemoteSecret } from '../../model/secret_source.ts';
import type { OwnCredential, RegisteredCredential } from './match_registered.ts';

/** What can be recognized among an app's credentials; federated ones are not listed beside the others. `sourced`: what references led to, by uid. */
export function ownCredentials(
  usable: readonly UsableCredential[],
  sourced: ReadonlyMap<string, RemoteSecret> = new Map(),
): readonly OwnCredential[] {
  return usable.flatMap(({ credential, material }) => {
    const { uid, entraKeyId: keyId, configuredExpireTime } = credential;
    const seen = recognizedBy(material, sourced.get(uid));
    if (seen === undefined) return [];
    const endTime = sourced.get(uid)?.expireTime ?? configuredExpireTime;
    const identity = seen.identity ?? uid;
    return [{ uid, keyId, endTime, ...seen, identity, mayBeRenewed: material.kind === 'KEY_VAULT_SECRET' }];
  });
}

/** Under an entry of Graph's, with the name that somebody gave it. */
export interface NamedEntry extends RegisteredCredential {
  readonly displayName: string;
}

export function registeredCredentials({ passwords, certificates }: Registered): readonly NamedEntry[] {
  return [
    ...passwords.map(({ keyId, hint, displayName, endTime }) => {
      return { keyId, kind: 'CLIENT_SECRET' as const, mark: hint || undefined, displayName, endTime };
    }),
    ...certificates.map(({ keyId, thumbprint, endTime }) => {
      return { keyId, kind: 'CERTIFICATE' as const, mark: thumbprint, displayName: '', endTime };
    }),
  ];
}

function recognizedBy(
  material: CredentialMaterial,
  sourced: RemoteSecret | undefined,
): (Pick<OwnCredential, 'kind' | 'mark'> & { readonly identity: string | undefined }) | undefined {
  switch (material.kind) {
    case 'CLIENT_SECRET': {
      const { clientSecret } = material;
      return { kind: 'CLIENT_SECRET', mark: clientSecret.hint() || undefined, identity: clientSecret.sha256() };
    }
    case 'KEY_VAULT_SECRET':
      return { kind: 'CLIENT_SECRET', mark: sourced?.value.hint() || undefined, identity: sourced?.value.sha256() };
    case 'CERTIFICATE': {
      const mark = new X509Certificate(material.certificateChain).fingerprint.replaceAll(':', '').toLowerCase();
      return { kind: 'CERTIFICATE', mark, identity: mark };
    }
    case 'FEDERATED':
      return undefined;
  }
}
