import { createHash, X509Certificate } from 'node:crypto';
import type { KeyVaultCertificate as FoundCertificate } from '@azure/keyvault-certificates';
import { SECOND } from '../model/clock.ts';
import { fieldInvalid, VaultError } from '../model/errors.ts';
import type { KeyVaultCertificate, KeyVaultCertificates } from '../model/key_vault_certificates.ts';
import { createKeyVaultReferences, type KeyVaultReference, readReference } from './check_keyvault_reference.ts';
import {
  createCertificateAccess,
  createCryptographyAccess,
  type KeyVaultAccessParts,
} from './run_with_azure_sdk_client.ts';

export interface KeyVaultCertificatesParts extends Partial<KeyVaultAccessParts> {
  /** Origins of the key vaults to which credentials may refer. */
  readonly vaults: readonly string[];
  /** Source of the root key, which must never sign for an app. */
  readonly keySource: string;
}

/** Certificates in Azure Key Vault. Requires get on certificates and sign on keys; the private key is never read. */
export function createKeyVaultCertificates({
  vaults,
  keySource,
  // The exchange that waits for it has 8 seconds.
  timeout = 5 * SECOND,
  ...parts
}: KeyVaultCertificatesParts): KeyVaultCertificates {
  const references = createKeyVaultReferences('certificates', { vaults, keySource });
  const access = createCertificateAccess({ ...parts, timeout });
  const cryptography = createCryptographyAccess({ ...parts, timeout }, 'signing key');

  return {
    checkUri: (field, certificateUri) => references.check(field, certificateUri).uri,
    async read(certificateUri) {
      const reference = references.check(FIELD, certificateUri);
      const { name, version } = reference;
      const found = await access(reference, (client, abortSignal) =>
        version === undefined
          ? client.getCertificate(name, { abortSignal })
          : client.getCertificateVersion(name, version, { abortSignal }),
      );
      return readFound(reference, found);
    },
    async sign(keyUri, input, algorithm) {
      const key = readReference(keyUri, 'keys');
      if (key === undefined) throw fieldInvalid(FIELD, 'its key is not in Azure Key Vault. Add it again');
      // At each use, since the operator may have removed the key vault.
      references.check(FIELD, `${key.vaultUrl}/certificates/${key.name}`);
      const digest = createHash('sha256').update(input).digest();
      const signed = await cryptography(key, (client, abortSignal) => client.sign(algorithm, digest, { abortSignal }));
      return signed.result;
    },
  };
}

const FIELD = 'certificate_uri';
/** Entra accepts only RS256 and PS256 assertions. */
const LEAST_BITS = 2_048;

function readFound(reference: KeyVaultReference, { cer, keyId, properties }: FoundCertificate): KeyVaultCertificate {
  const { uri, vaultUrl, name } = reference;
  if (properties.enabled === false) throw unusable(uri, 'is disabled. Enable it, or create a new version');
  // While a certificate is pending, its first version has no public part.
  if (cer === undefined) throw unusable(uri, 'is not issued yet. Complete it in the key vault');
  const certificate = parse(cer);
  const { asymmetricKeyType, asymmetricKeyDetails } = certificate?.publicKey ?? {};
  if (
    certificate === undefined ||
    asymmetricKeyType !== 'rsa' ||
    Number(asymmetricKeyDetails?.modulusLength) < LEAST_BITS
  ) {
    throw unusable(uri, `has no RSA key of at least ${LEAST_BITS} bits, which Entra requires. Create one that has`);
  }
  const key = readReference(keyId ?? '', 'keys');
  if (key?.vaultUrl !== vaultUrl || key.name !== name || key.version === undefined) {
    throw unusable(uri, 'has no private key in this key vault. Create or import it with its key');
  }
  return {
    version: properties.version ?? key.version,
    keyUri: key.uri,
    certificate: certificate.toString(),
    notBefore: certificate.validFromDate.getTime(),
    expireTime: certificate.validToDate.getTime(),
  };
}

function parse(der: Uint8Array): X509Certificate | undefined {
  try {
    return new X509Certificate(der);
  } catch {
    return undefined;
  }
}

function unusable(uri: string, fault: string): VaultError {
  return new VaultError('KEY_SOURCE_UNAVAILABLE', `The certificate ${uri} ${fault}.`);
}
