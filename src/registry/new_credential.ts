import type { Timestamp } from '../model/clock.ts';
import type { Secret } from '../model/secret.ts';

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
  /** Not served yet: FIELD_INVALID. */
  | { readonly kind: 'KEY_VAULT_SECRET'; readonly secretUri: string };
