import { isAbsolute } from 'node:path';
import { generateCertificate } from '../certificates/generate_certificate_credential.ts';
import {
  CLIENT_SECRET,
  type CredentialMaterial,
  type NewCredential,
  unprobedCredential,
} from '../model/app_credential.ts';
import type { Duration, Timestamp } from '../model/clock.ts';
import type { App } from '../model/entra_app.ts';
import { fieldInvalid } from '../model/errors.ts';
import { pinKeyVaultCertificate } from '../model/key_vault_certificates.ts';
import type { Secret } from '../model/secret.ts';
import { secretIdWarnings } from './app_setup_warnings.ts';
import { checkGuid } from './check_operator_fields.ts';
import { checkLife } from './check_rotation_and_home_directory.ts';
import { readCertificate } from './parse_certificate_with_key.ts';
import { readKeyVaultSecret } from './read_key_vault_secret.ts';
import type { RegistryParts } from './registry_dependencies.ts';

/** A credential as an operator provides it. */
export interface CredentialRequest {
  /** Undefined: no field of the oneof was set. */
  readonly material: RequestedMaterial | undefined;
  readonly expireTime: Timestamp | undefined;
  readonly notBefore: Timestamp | undefined;
}

export type RequestedMaterial =
  | { readonly kind: 'CLIENT_SECRET'; readonly clientSecret: Secret }
  | { readonly kind: 'CERTIFICATE'; readonly certificatePem: string; readonly privateKeyPem: Secret }
  | { readonly kind: 'FEDERATED'; readonly assertionFile: string }
  | { readonly kind: 'KEY_VAULT_SECRET'; readonly secretUri: string }
  | { readonly kind: 'MANAGED_IDENTITY'; readonly clientId: string }
  | { readonly kind: 'KEY_VAULT_CERTIFICATE'; readonly certificateUri: string }
  /** `life` undefined: the default. */
  | { readonly kind: 'GENERATED_CERTIFICATE'; readonly life: Duration | undefined };

/** The wire names of the fields: `app.secret_expire_time` in a registration, otherwise `credential.expire_time`. */
export interface CredentialFieldNames {
  readonly parent: string;
  readonly expireTime: string;
  readonly notBefore: string;
}

export const REGISTRATION_FIELDS: CredentialFieldNames = {
  parent: 'app',
  expireTime: 'app.secret_expire_time',
  notBefore: 'app.not_before',
};

export const CREDENTIAL_FIELDS: CredentialFieldNames = {
  parent: 'credential',
  expireTime: 'credential.expire_time',
  notBefore: 'credential.not_before',
};

/** Year 10000: beyond what a protobuf timestamp may hold. */
const LAST_TIME = 253_402_300_800_000;

type Parts = Pick<
  RegistryParts,
  'secretSource' | 'assertionFiles' | 'managedIdentities' | 'certificates' | 'clock' | 'newUid'
>;

export interface CheckedCredential {
  readonly made: NewCredential;
  /** Warnings: problems that do not prevent storing it. */
  readonly doubts: readonly string[];
  /** The public certificate (PEM) of a key pair that the vault made. */
  readonly generated?: string | undefined;
}

/** The first credential of an app is preferred at once, because no other one has to be replaced. */
export async function newFirstCredential(
  parts: Parts,
  app: Pick<App, 'uid' | 'tenantId'>,
  credentialId: string,
  request: CredentialRequest,
  names: CredentialFieldNames,
): Promise<CheckedCredential> {
  const checked = await newCredential(parts, app, credentialId, request, names);
  const { made } = checked;
  const credential = { ...made.credential, preferTime: made.credential.createTime };
  return { ...checked, made: { ...made, credential } };
}

/** The credential to store; a Key Vault reference is read once. KEY_SOURCE_UNAVAILABLE: a certificate there cannot be read. FIELD_INVALID names the field, and never contains its value. */
export async function newCredential(
  parts: Parts,
  { uid: appUid, tenantId }: Pick<App, 'uid' | 'tenantId'>,
  credentialId: string,
  request: CredentialRequest,
  names: CredentialFieldNames,
): Promise<CheckedCredential> {
  const now = parts.clock.now();
  const found = await read(request, names, { tenantId, credentialId }, parts);
  const { material, hint, notBefore, expireTime, doubts = [] } = found;
  checkTime(names.expireTime, expireTime);
  checkTime(names.notBefore, notBefore);
  if (expireTime !== undefined && expireTime <= now) {
    const date = new Date(expireTime).toISOString().slice(0, 10);
    throw fieldInvalid(expiryField(request, names), `expired on ${date}. Provide one that is still valid.`);
  }
  if (expireTime !== undefined && notBefore !== undefined && notBefore >= expireTime) {
    throw fieldInvalid(names.notBefore, `must be before ${names.expireTime}`);
  }
  const known = { uid: parts.newUid(), appUid, credentialId, kind: material.kind, hint, notBefore, expireTime };
  const credential = unprobedCredential({ ...known, createTime: now });
  const isGenerated = request.material?.kind === 'GENERATED_CERTIFICATE' && material.kind === 'CERTIFICATE';
  return { made: { material, credential }, doubts, generated: isGenerated ? material.certificateChain : undefined };
}

interface Read {
  readonly material: CredentialMaterial;
  readonly hint: string;
  readonly notBefore: Timestamp | undefined;
  readonly expireTime: Timestamp | undefined;
  readonly doubts?: readonly string[];
}

async function read(
  request: CredentialRequest,
  names: CredentialFieldNames,
  { tenantId, credentialId }: { readonly tenantId: string; readonly credentialId: string },
  { secretSource, assertionFiles, managedIdentities, certificates, clock }: Parts,
): Promise<Read> {
  const { material, notBefore, expireTime } = request;
  switch (material?.kind) {
    case 'CLIENT_SECRET': {
      const { clientSecret } = material;
      if (!clientSecret.matches(CLIENT_SECRET)) {
        throw fieldInvalid(
          `${names.parent}.client_secret`,
          'must be 1 to 1024 printable characters without white space, as the portal shows it',
        );
      }
      const doubts = secretIdWarnings('The client secret', clientSecret);
      return { material, hint: clientSecret.hint(), notBefore, expireTime, doubts };
    }
    case 'CERTIFICATE':
      rejectTimes(request, names, 'it is read from the certificate');
      return readCertificate(material.certificatePem, material.privateKeyPem, `${names.parent}.certificate`);
    case 'FEDERATED': {
      rejectTimes(request, names, 'the platform renews an assertion file');
      const { assertionFile: path } = material;
      const field = `${names.parent}.federated.assertion_file`;
      if (!isAbsolute(path) || path.length > 1_024 || /\p{Cc}/u.test(path)) {
        throw fieldInvalid(field, 'must be an absolute path on the machine of the vault');
      }
      await assertionFiles.check(field, { tenantId, path });
      return { material, hint: path, notBefore: undefined, expireTime: undefined };
    }
    case 'KEY_VAULT_SECRET':
      rejectTimes(request, names, 'it is read from the key vault');
      return readKeyVaultSecret(secretSource, `${names.parent}.key_vault_secret.secret_uri`, material.secretUri);
    case 'MANAGED_IDENTITY': {
      rejectTimes(request, names, 'Azure renews the tokens of a managed identity');
      const field = `${names.parent}.managed_identity.client_id`;
      const clientId = checkGuid(field, material.clientId, 'the client id of a user-assigned managed identity');
      managedIdentities.check(field, { tenantId, clientId });
      return { material: { ...material, clientId }, hint: clientId, notBefore: undefined, expireTime: undefined };
    }
    case 'KEY_VAULT_CERTIFICATE': {
      rejectTimes(request, names, 'it is read from the certificate');
      const field = `${names.parent}.key_vault_certificate.certificate_uri`;
      const certificateUri = certificates.checkUri(field, material.certificateUri);
      return pinKeyVaultCertificate(certificateUri, await certificates.read(certificateUri));
    }
    case 'GENERATED_CERTIFICATE': {
      rejectTimes(request, names, 'generated_certificate.life determines it');
      const life = checkLife(`${names.parent}.generated_certificate.life`, material.life);
      const commonName = `token-vault-${credentialId}`.slice(0, LONGEST_NAME);
      return generateCertificate({ commonName, life }, clock.now());
    }
    case undefined:
      throw fieldInvalid(
        `${names.parent}.client_secret`,
        'no credential was provided. Set client_secret, certificate, generated_certificate, federated, key_vault_secret, managed_identity or key_vault_certificate.',
      );
  }
}

/** RFC 5280, ub-common-name. */
const LONGEST_NAME = 64;

function rejectTimes(request: CredentialRequest, names: CredentialFieldNames, why: string): void {
  if (request.expireTime !== undefined) throw fieldInvalid(names.expireTime, `must be empty, because ${why}`);
  if (request.notBefore !== undefined) throw fieldInvalid(names.notBefore, `must be empty, because ${why}`);
}

function checkTime(field: string, time: Timestamp | undefined): void {
  if (time === undefined || (Number.isSafeInteger(Math.trunc(time)) && time >= 0 && time < LAST_TIME)) return;
  throw fieldInvalid(field, 'must be a time between 1970 and 9999, such as 2027-01-31T00:00:00Z');
}

function expiryField({ material }: CredentialRequest, { parent, expireTime }: CredentialFieldNames): string {
  switch (material?.kind) {
    case 'CERTIFICATE':
      return `${parent}.certificate.certificate_pem`;
    case 'KEY_VAULT_SECRET':
      return `${parent}.key_vault_secret.secret_uri`;
    case 'KEY_VAULT_CERTIFICATE':
      return `${parent}.key_vault_certificate.certificate_uri`;
    default:
      return expireTime;
  }
}
