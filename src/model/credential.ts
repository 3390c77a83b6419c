import { HOUR, type Timestamp } from './clock.ts';
import type { Secret } from './secret.ts';

export const CREDENTIAL_KINDS = ['CLIENT_SECRET', 'CERTIFICATE', 'FEDERATED'] as const;
export type CredentialKind = (typeof CREDENTIAL_KINDS)[number];

/** What an exchange with Entra last said of it. */
export type CredentialVerdict = 'UNPROBED' | 'VALID' | 'REJECTED';

/** The verdict, overruled by the clock. */
export type CredentialState = CredentialVerdict | 'EXPIRED' | 'NOT_YET_VALID';

/** What an app presents to Entra. Added and removed, never updated; several are tried in the order they were added. */
export interface Credential {
  readonly uid: string;
  readonly appUid: string;
  readonly credentialId: string;
  readonly kind: CredentialKind;
  /** First 3 characters of a client secret (as Graph shows them), SHA-256 thumbprint of a certificate, path of an assertion file. */
  readonly hint: string;
  readonly notBefore: Timestamp | undefined;
  /** Undefined: nobody said. */
  readonly expireTime: Timestamp | undefined;
  readonly verdict: CredentialVerdict;
  /** Entra's codes of the last rejection. */
  readonly entraError: string | undefined;
  readonly lastUsedTime: Timestamp | undefined;
  readonly createTime: Timestamp;
}

export type CredentialMaterial =
  | { readonly kind: 'CLIENT_SECRET'; readonly clientSecret: Secret }
  /** PEM: the leaf first, then its chain; the key in PKCS#8 or PKCS#1. */
  | { readonly kind: 'CERTIFICATE'; readonly certificateChain: string; readonly privateKey: Secret }
  /** A file that the platform keeps fresh (workload identity projects it); read at each use. */
  | { readonly kind: 'FEDERATED'; readonly assertionFile: string };

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
