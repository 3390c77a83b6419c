import { X509Certificate } from 'node:crypto';
import { SignJWT } from 'jose';
import type { CertificateMaterial } from '../../model/app_credential.ts';
import { type Clock, type Duration, MINUTE, SECOND, type Timestamp } from '../../model/clock.ts';
import { VaultError } from '../../model/errors.ts';
import type { KeyVaultCertificates } from '../../model/key_vault_certificates.ts';
import { Secret } from '../../model/secret.ts';
import type { Registered } from '../app_registrations_interface.ts';
import { signJwtInKeyVault } from '../exchange/sign_jwt_in_key_vault.ts';

/** Azure AD Graph, whose id the proofs kept as audience. */
const AUDIENCE = '00000002-0000-0000-c000-000000000000';
/** The longest that Graph accepts. */
const LIFETIME: Duration = 10 * MINUTE;

/**
 * Proofs that the app has the key of a certificate of its registration, as `addKey` and `removeKey` require. RS256, as in
 * Microsoft's samples. https://learn.microsoft.com/graph/application-rollkey-prooftoken
 */
export function createProofs({
  clock,
  certificates,
}: {
  readonly clock: Clock;
  readonly certificates: Pick<KeyVaultCertificates, 'sign'>;
}): (registration: Pick<Registered, 'objectId'>, material: CertificateMaterial) => Promise<Secret> {
  return async ({ objectId }, material) => {
    if (objectId === undefined) throw new VaultError('ENTRA_UNAVAILABLE', 'Graph returns no id of the registration.');
    const claims = claimsOf(objectId, clock.now());
    if (material.kind === 'CERTIFICATE') {
      const key = material.privateKey.privateKey();
      if (key === undefined) throw new VaultError('RECORD_CORRUPT', 'The stored private key is no key.');
      const header = headerOf(material.certificateChain);
      return new Secret(await new SignJWT(claims).setProtectedHeader(header).sign(key));
    }
    const unsigned = { header: headerOf(material.certificate), claims };
    return new Secret((await signJwtInKeyVault(certificates, material.keyUri, unsigned)).token);
  };
}

function headerOf(certificate: string) {
  const thumbprint = new X509Certificate(certificate).fingerprint.replaceAll(':', '');
  const x5t = Buffer.from(thumbprint, 'hex').toString('base64url');
  return { alg: 'RS256', typ: 'JWT', kid: thumbprint, x5t } as const;
}

function claimsOf(objectId: string, now: Timestamp) {
  const seconds = Math.floor(now / SECOND);
  return { aud: AUDIENCE, iss: objectId, nbf: seconds, exp: seconds + LIFETIME / SECOND };
}
