import { HOUR, type Timestamp } from './clock.ts';
import type { Secret } from './secret.ts';

export const CREDENTIAL_KINDS = ['CLIENT_SECRET', 'CERTIFICATE', 'FEDERATED', 'KEY_VAULT_SECRET'] as const;
export type CredentialKind = (typeof CREDENTIAL_KINDS)[number];

/** What an exchange with Entra last said of it. */
export type CredentialVerdict = 'UNPROBED' | 'VALID' | 'REJECTED';

/** The verdict, overruled by the clock. */
export type CredentialState = CredentialVerdict | 'EXPIRED' | 'NOT_YET_VALID';

/** What an app presents to Entra. Added and removed, never updated; `rolesOf` says which one is presented when. */
export interface Credential {
  readonly uid: string;
  readonly appUid: string;
  readonly credentialId: string;
  readonly kind: CredentialKind;
  /** First 3 characters of a client secret (as Graph shows them), SHA-256 thumbprint of a certificate, path of an assertion file, address of a secret in a key vault. */
  readonly hint: string;
  readonly notBefore: Timestamp | undefined;
  /** The earlier of the next two. Undefined: nobody said. */
  readonly expireTime: Timestamp | undefined;
  /** As the operator gave it, as the certificate has it, or as the key vault says. */
  readonly configuredExpireTime: Timestamp | undefined;
  /** As Entra's registration has it, read through Graph. */
  readonly entraExpireTime: Timestamp | undefined;
  /** By which Graph knows it; undefined: not found there yet. */
  readonly entraKeyId: string | undefined;
  readonly verdict: CredentialVerdict;
  /** Entra's codes of the last rejection. */
  readonly entraError: string | undefined;
  readonly lastUsedTime: Timestamp | undefined;
  /** Since when it has proved itself: the one with the latest is presented first. Undefined: not yet. */
  readonly preferTime: Timestamp | undefined;
  readonly createTime: Timestamp;
}

export type CredentialMaterial =
  | { readonly kind: 'CLIENT_SECRET'; readonly clientSecret: Secret }
  /** PEM: the leaf first, then its chain; the key in PKCS#8 or PKCS#1. */
  | { readonly kind: 'CERTIFICATE'; readonly certificateChain: string; readonly privateKey: Secret }
  /** A file that the platform keeps fresh (workload identity projects it); read at each use. */
  | { readonly kind: 'FEDERATED'; readonly assertionFile: string }
  /** `https://{vault}/secrets/{name}` or with `/{version}`; read when it is needed, never stored. */
  | { readonly kind: 'KEY_VAULT_SECRET'; readonly secretUri: string };

/** What Entra could have made. */
export const CLIENT_SECRET = /^[\x21-\x7e]{1,1024}$/;

export interface UsableCredential {
  readonly credential: Credential;
  readonly material: CredentialMaterial;
}

export function credentialState(credential: Credential, now: Timestamp): CredentialState {
  if (credential.expireTime !== undefined && credential.expireTime <= now) return 'EXPIRED';
  if (credential.notBefore !== undefined && credential.notBefore > now) return 'NOT_YET_VALID';
  return credential.verdict;
}

/** Begins where the first zone on Earth (UTC+14) writes 2299. */
export const NEVER = Date.UTC(2299, 0, 1) - 14 * HOUR;

/**
 * The portal wrote "never" as an end of 12/31/2299. It offers that no longer, but such secrets go on working:
 * https://devblogs.microsoft.com/microsoft365dev/client-secret-expiration-now-limited-to-a-maximum-of-two-years/
 */
export function isNever(end: Timestamp): boolean {
  return end >= NEVER;
}

export function neverExpires({ expireTime }: Pick<Credential, 'expireTime'>): boolean {
  return expireTime !== undefined && isNever(expireTime);
}

/** Of two that are said the earlier counts: whoever is right, nobody is surprised. */
export function earlierExpireTime(said: Timestamp | undefined, entra: Timestamp | undefined): Timestamp | undefined {
  if (said === undefined || entra === undefined) return said ?? entra;
  return Math.min(said, entra);
}

export interface NewCredential {
  readonly credential: Credential;
  readonly material: CredentialMaterial;
}
