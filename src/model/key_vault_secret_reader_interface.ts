import type { Timestamp } from './clock.ts';
import type { Secret } from './secret.ts';

/** Client secrets in an external store (Azure Key Vault): read when needed, and cached in memory alone. */
export interface SecretSource {
  /**
   * The newest version, or the one in the URI; at most an hour old, also while the source is unavailable. A failure is cached for a while.
   * KEY_SOURCE_UNAVAILABLE: it cannot be read and is not cached; or it was deleted, is disabled, or is no client secret. FIELD_INVALID:
   * the operator does not allow the URI.
   */
  read(secretUri: string): Promise<RemoteSecret>;
  /** It, or another version of it, may have changed: the next `read` calls the source. True: it was cached. */
  forget(secretUri: string): boolean;
  /** Canonical form of an allowed URI: https, in lower case, no trailing slash. FIELD_INVALID (`field`). */
  checkUri(field: string, secretUri: string): string;
}

export interface RemoteSecret {
  readonly value: Secret;
  readonly version: string;
  /** When this value was stored. Undefined: the key vault does not say. */
  readonly setTime: Timestamp | undefined;
  /** Undefined: the key vault does not say. */
  readonly notBefore: Timestamp | undefined;
  readonly expireTime: Timestamp | undefined;
}

/** `https://{vault}/secrets/{name}`, or the same of a certificate, of a URI in the canonical form with or without a version. */
export function withoutVersion(uri: string): string {
  return uri.split('/').slice(0, 5).join('/');
}
