import { HOUR, type Timestamp } from './clock.ts';
import type { Secret } from './secret.ts';

export const CREDENTIAL_KINDS = [
  'CLIENT_SECRET',
  'CERTIFICATE',
  'FEDERATED',
  'KEY_VAULT_SECRET',
  'MANAGED_IDENTITY',
  'KEY_VAULT_CERTIFICATE',
] as const;
export type CredentialKind = (typeof CREDENTIAL_KINDS)[number];

/** By the last exchange with Entra. */
export type CredentialVerdict = 'UNPROBED' | 'VALID' | 'REJECTED';

/** The verdict, overruled by the clock. */
export type CredentialState = CredentialVerdict | 'EXPIRED' | 'NOT_YET_VALID';

/** Client credential of an app. Added and removed, never updated; `rolesOf` decides which one is presented when. */
export interface Credential {
  readonly uid: string;
  readonly appUid: string;
  readonly credentialId: string;
  readonly kind: CredentialKind;
  /** First 3 characters of a client secret (as Graph shows them), SHA-256 thumbprint of a certificate, path of an assertion file, address of a secret in a key vault, client id of a managed identity, address of a version of a certificate in a key vault. */
  readonly hint: string;
  readonly notBefore: Timestamp | undefined;
  /** The earlier of the next two. Undefined: nobody said. */
  readonly expireTime: Timestamp | undefined;
  /** As the operator gave it, as the certificate has it, or as the key vault says. */
  readonly configuredExpireTime: Timestamp | undefined;
  /** As Entra's registration has it, read through Graph. */
  readonly entraExpireTime: Timestamp | undefined;
  /** Graph's id; undefined: not found there yet. */
  readonly entraKeyId: string | undefined;
  readonly verdict: CredentialVerdict;
  /** Entra's codes of the last rejection. */
  readonly entraError: string | undefined;
  readonly lastUsedTime: Timestamp | undefined;
  /** When it became the preferred one: the credential with the latest time is presented first. Undefined: not yet. */
  readonly preferTime: Timestamp | undefined;
  readonly createTime: Timestamp;
}

/** A credential that was never presented. */
export function unprobedCredential(
  known: Pick<
    Credential,
    'uid' | 'appUid' | 'credentialId' | 'kind' | 'hint' | 'notBefore' | 'expireTime' | 'createTime'
  >,
): Credential {
  return {
    ...known,
    configuredExpireTime: known.expireTime,
    entraExpireTime: undefined,
    entraKeyId: undefined,
    verdict: 'UNPROBED',
    entraError: undefined,
    lastUsedTime: undefined,
    preferTime: undefined,
  };
}

export type CredentialMaterial =
  | { readonly kind: 'CLIENT_SECRET'; readonly clientSecret: Secret }
  /** PEM: the leaf first, then its chain; the key in PKCS#8 or PKCS#1. */
  | { readonly kind: 'CERTIFICATE'; readonly certificateChain: string; readonly privateKey: Secret }
  /** A file that the platform renews (workload identity); read at each use. */
  | { readonly kind: 'FEDERATED'; readonly assertionFile: string }
  /** `https://{vault}/secrets/{name}`, with or without `/{version}`; read when needed, never stored. */
  | { readonly kind: 'KEY_VAULT_SECRET'; readonly secretUri: string }
  /** Client id of a user-assigned managed identity, whose tokens the host of the vault provides. */
  | { readonly kind: 'MANAGED_IDENTITY'; readonly clientId: string }
  /** A certificate whose key stays in the key vault. The version is pinned; its public parts are stored, so that only signing needs the key vault. */
  | {
      readonly kind: 'KEY_VAULT_CERTIFICATE';
      /** `https://{vault}/certificates/{name}` as the operator gave it: with a version, no newer one is looked for. */
      readonly certificateUri: string;
      readonly version: string;
      /** `https://{vault}/keys/{name}/{version}` */
      readonly keyUri: string;
      /** PEM. */
      readonly certificate: string;
    };

/** Characters and length that Entra can generate. */
export const CLIENT_SECRET = /^[\x21-\x7e]{1,1024}$/;

/** A certificate whose key the vault can use. */
export type CertificateMaterial = Extract<CredentialMaterial, { kind: 'CERTIFICATE' | 'KEY_VAULT_CERTIFICATE' }>;

export interface UsableCredential {
  readonly credential: Credential;
  readonly material: CredentialMaterial;
}

export type NewCredential = UsableCredential;

export function credentialState(credential: Credential, now: Timestamp): CredentialState {
  if (credential.expireTime !== undefined && credential.expireTime <= now) return 'EXPIRED';
  if (credential.notBefore !== undefined && credential.notBefore > now) return 'NOT_YET_VALID';
  return credential.verdict;
}

/** The first moment of 2299 in the earliest time zone (UTC+14). */
export const NEVER = Date.UTC(2299, 0, 1) - 14 * HOUR;

/**
 * The portal wrote "never" as an expiry of 12/31/2299. It no longer offers that, but such secrets still work:
 * https://devblogs.microsoft.com/microsoft365dev/client-secret-expiration-now-limited-to-a-maximum-of-two-years/
 */
export function isNever(end: Timestamp): boolean {
  return end >= NEVER;
}

export function neverExpires({ expireTime }: Pick<Credential, 'expireTime'>): boolean {
  return expireTime !== undefined && isNever(expireTime);
}

/** If two expiry dates are known, use the earlier one, so nobody is surprised whichever is correct. */
export function earlierExpireTime(said: Timestamp | undefined, entra: Timestamp | undefined): Timestamp | undefined {
  if (said === undefined || entra === undefined) return said ?? entra;
  return Math.min(said, entra);
}
