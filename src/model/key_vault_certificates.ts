import type { CredentialMaterial } from './app_credential.ts';
import type { Timestamp } from './clock.ts';
import { withoutVersion } from './key_vault_secret_reader_interface.ts';

/** Certificates in Azure Key Vault, whose private keys never leave it. */
export interface KeyVaultCertificates {
  /** Canonical form of an allowed URI: https, in lower case, no trailing slash. FIELD_INVALID (`field`). */
  checkUri(field: string, certificateUri: string): string;
  /**
   * The newest version, or the one in the URI; never cached. KEY_SOURCE_UNAVAILABLE: it cannot be read, or is of no use.
   * FIELD_INVALID: the operator does not allow the URI.
   */
  read(certificateUri: string): Promise<KeyVaultCertificate>;
  /** Signs the SHA-256 digest of `input`, by `keyUri` of a certificate. The same errors. */
  sign(keyUri: string, input: Uint8Array, algorithm: 'PS256' | 'RS256'): Promise<Uint8Array>;
}

export interface KeyVaultCertificate {
  /** Of the certificate in the key vault. */
  readonly version: string;
  /** `https://{vault}/keys/{name}/{version}` of its private key. */
  readonly keyUri: string;
  /** PEM, without its chain. */
  readonly certificate: string;
  /** Of the certificate, as Entra compares them. */
  readonly notBefore: Timestamp;
  readonly expireTime: Timestamp;
}

/** The parts of a credential that presents this version. */
export function pinKeyVaultCertificate(certificateUri: string, found: KeyVaultCertificate) {
  const { version, keyUri, certificate, notBefore, expireTime } = found;
  const material: CredentialMaterial = { kind: 'KEY_VAULT_CERTIFICATE', certificateUri, version, keyUri, certificate };
  return { material, hint: `${withoutVersion(certificateUri)}/${version}`, notBefore, expireTime };
}
