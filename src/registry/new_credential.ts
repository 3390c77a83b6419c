import { isAbsolute } from 'node:path';
import type { App } from '../model/app.ts';
import type { Timestamp } from '../model/clock.ts';
import type { Credential, CredentialMaterial, NewCredential } from '../model/credential.ts';
import { fieldInvalid } from '../model/errors.ts';
import type { Secret } from '../model/secret.ts';
import { readCertificate } from './certificate.ts';
import { checkClientSecret } from './client_secret.ts';
import { readKeyVaultSecret } from './key_vault_secret.ts';
import type { RegistryParts } from './registry_parts.ts';
import { secretWarnings } from './warnings.ts';

/** A credential as an operator gives it. */
export interface CredentialRequest {
  /** Undefined: none of the oneof was given. */
  readonly material: RequestedMaterial | undefined;
  /** Undefined: not given. */
  readonly expireTime: Timestamp | undefined;
  readonly notBefore: Timestamp | undefined;
}

export type RequestedMaterial =
  | { readonly kind: 'CLIENT_SECRET'; readonly clientSecret: Secret }
  | { readonly kind: 'CERTIFICATE'; readonly certificatePem: string; readonly privateKeyPem: Secret }
  | { readonly kind: 'FEDERATED'; readonly assertionFile: string }
  | { readonly kind: 'KEY_VAULT_SECRET'; readonly secretUri: string };

/** What the wire calls the fields: `app.secret_expire_time` when registering, `credential.expire_time` else. */
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

/** Which credential it becomes. `preferTime`: of the first one of an app, which need not prove itself against another. */
export type CredentialIdentity = Pick<Credential, 'uid' | 'appUid' | 'credentialId' | 'preferTime'>;

type Sources = Pick<RegistryParts, 'secretSource' | 'assertionFiles'>;

export interface CheckedCredential {
  readonly made: NewCredential;
  /** What speaks against it, without forbidding it. */
  readonly doubts: readonly string[];
}

/** Checks a request and makes what is stored of it; a reference is read once. FIELD_INVALID names the field, and never tells what was in it. */
export async function newCredential(
  parts: Sources & Pick<RegistryParts, 'clock'>,
  request: CredentialRequest,
  names: CredentialFieldNames,
  { tenantId, ...identity }: CredentialIdentity & Pick<App, 'tenantId'>,
): Promise<CheckedCredential> {
  const now = parts.clock.now();
  const { material, hint, notBefore, expireTime, doubts = [] } = await read(request, names, tenantId, parts);
  checkTime(names.expireTime, expireTime);
  checkTime(names.notBefore, notBefore);
  if (expireTime !== undefined && expireTime <= now) {
    throw fieldInvalid(endField(request, names), `has ended on ${day(expireTime)}; give one that still works`);
  }
  if (expireTime !== undefined && notBefore !== undefined && notBefore >= expireTime) {
    throw fieldInvalid(names.notBefore, `must lie before ${names.expireTime}`);
  }
  const credential: Credential = {
    ...identity,
    kind: material.kind,
    hint,
    notBefore,
    expireTime,
    configuredExpireTime: expireTime,
    entraExpireTime: undefined,
    entraKeyId: undefined,
    verdict: 'UNPROBED',
    entraError: undefined,
    lastUsedTime: undefined,
    createTime: now,
  };
  return { made: { material, credential }, doubts: [...doubts, ...secretWarnings(material)] };
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
  tenantId: string,
  { secretSource, assertionFiles }: Sources,
): Promise<Read> {
  const { material, notBefore, expireTime } = request;
  switch (material?.kind) {
    case 'CLIENT_SECRET': {
      const { clientSecret } = material;
      checkClientSecret(`${names.parent}.client_secret`, clientSecret);
      return { material, hint: clientSecret.hint(), notBefore, expireTime };
    }
    case 'CERTIFICATE':
      refuseTimes(request, names, 'of a certificate it is read from the certificate');
      return readCertificate(material.certificatePem, material.privateKeyPem, `${names.parent}.certificate`);
    case 'FEDERATED': {
      refuseTimes(request, names, 'an assertion file is kept fresh by the platform');
      const { assertionFile } = material;
      const field = `${names.parent}.federated.assertion_file`;
      checkPath(field, assertionFile);
      await assertionFiles.check(field, { tenantId, path: assertionFile });
      return { material, hint: assertionFile, notBefore: undefined, expireTime: undefined };
    }
    case 'KEY_VAULT_SECRET':
      refuseTimes(request, names, 'of a Key Vault secret the key vault says it');
      return readKeyVaultSecret(secretSource, `${names.parent}.key_vault_secret.secret_uri`, material.secretUri);
    case undefined:
      throw fieldInvalid(
        `${names.parent}.client_secret`,
        'give a credential: client_secret, certificate, federated or key_vault_secret',
      );
  }
}

function checkPath(field: string, path: string): void {
  if (!isAbsolute(path) || path.length > 1_024 || /\p{Cc}/u.test(path)) {
    throw fieldInvalid(field, 'must be an absolute path on the machine of the vault');
  }
}

function refuseTimes(request: CredentialRequest, names: CredentialFieldNames, why: string): void {
  if (request.expireTime !== undefined) throw fieldInvalid(names.expireTime, `must not be given: ${why}`);
  if (request.notBefore !== undefined) throw fieldInvalid(names.notBefore, `must not be given: ${why}`);
}

function checkTime(field: string, time: Timestamp | undefined): void {
  if (time === undefined || (Number.isSafeInteger(Math.trunc(time)) && time >= 0 && time < LAST_TIME)) return;
  throw fieldInvalid(field, 'must be a time between 1970 and 9999, such as 2027-01-31T00:00:00Z');
}

function endField({ material }: CredentialRequest, { parent, expireTime }: CredentialFieldNames): string {
  if (material?.kind === 'CERTIFICATE') return `${parent}.certificate.certificate_pem`;
  return material?.kind === 'KEY_VAULT_SECRET' ? `${parent}.key_vault_secret.secret_uri` : expireTime;
}

function day(time: Timestamp): string {
  return new Date(time).toISOString().slice(0, 10);
}
