import type { Timestamp } from './clock.ts';
import type { Secret } from './secret.ts';

/** Where client secrets live that the vault only refers to: Azure Key Vault. */
export interface SecretSource {
  /** From memory where it was read a short while ago. KEY_SOURCE_UNAVAILABLE, FIELD_INVALID (no such secret, or not allowed). */
  read(secretUri: string): Promise<ReferredSecret>;
  /** It changed, or was refused by Entra: the next `read` asks Key Vault again. */
  forget(secretUri: string): void;
}

export interface ReferredSecret {
  readonly value: Secret;
  readonly expireTime: Timestamp | undefined;
  readonly notBefore: Timestamp | undefined;
  readonly version: string;
}
