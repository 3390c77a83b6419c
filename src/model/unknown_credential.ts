import type { Timestamp } from './clock.ts';

/** A credential that the app registration at Entra lists and that is not in the vault. */
export interface UnknownCredential {
  /** Graph's key id. */
  readonly keyId: string;
  readonly kind: 'CLIENT_SECRET' | 'CERTIFICATE';
  /** First 3 characters of a secret, SHA-1 thumbprint of a certificate (lower-case hex). Undefined: Graph does not return it. */
  readonly hint?: string | undefined;
  /** Undefined: Graph does not return it. */
  readonly expireTime?: Timestamp | undefined;
}

/** What the last inspection that could read the app registration found there. */
export interface RegistrationReading {
  readonly readTime: Timestamp;
  /** At most `MOST_UNKNOWN`, those that expire last first. */
  readonly unknown: readonly UnknownCredential[];
}

/** A registration has more only by mistake. It bounds the row of the app. */
export const MOST_UNKNOWN = 50;
