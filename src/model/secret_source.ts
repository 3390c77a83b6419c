import type { Timestamp } from './clock.ts';
import type { Secret } from './secret.ts';

/** Client secrets that stay elsewhere (Azure Key Vault): read when they are needed, and kept in memory alone. */
export interface SecretSource {
  /**
   * The newest version, or the one that the address names; as it was read within the hour, also while the source does not answer. A
   * failure is told again for a while, before anybody waits for the source anew.
   * KEY_SOURCE_UNAVAILABLE: it was never read, and cannot be; or it is no longer there, disabled, or no client secret. FIELD_INVALID: the
   * operator allows no such address.
   */
  read(secretUri: string): Promise<RemoteSecret>;
  /** It, or another version of it, may have changed: the next `read` asks. True: it was known. */
  forget(secretUri: string): boolean;
  /** The one form of an address that the operator allows: https, in lower case, no slash at the end. FIELD_INVALID (`field`). */
  checkUri(field: string, secretUri: string): string;
}

export interface RemoteSecret {
  readonly value: Secret;
  readonly version: string;
  /** When somebody put this value there. Undefined: the key vault does not say. */
  readonly setTime: Timestamp | undefined;
  /** Undefined: the key vault does not say. */
  readonly notBefore: Timestamp | undefined;
  readonly expireTime: Timestamp | undefined;
}
