import type { App } from '../model/app.ts';
import type { Timestamp } from '../model/clock.ts';
import type { Secret } from '../model/secret.ts';

/**
 * App registrations as Graph has them, read and changed by the app itself, with client credentials in its home directory.
 * https://learn.microsoft.com/graph/api/resources/application
 */
export interface AppRegistrations {
  read(app: App): Promise<Registered | NotRegistered>;
  /** https://learn.microsoft.com/graph/api/application-addpassword: the value is told once. */
  addPassword(
    app: App,
    wish: { readonly displayName: string; readonly expireTime: Timestamp },
  ): Promise<AddedPassword | NotRegistered>;
  /** https://learn.microsoft.com/graph/api/application-removepassword. `absent`: it is gone already. */
  removePassword(app: App, keyId: string): Promise<{ readonly kind: 'removed' | 'absent' } | NotRegistered>;
}

export interface Registered {
  readonly kind: 'registered';
  readonly passwords: readonly RegisteredPassword[];
  readonly certificates: readonly RegisteredCertificate[];
}

export interface RegisteredPassword {
  readonly keyId: string;
  /** First 3 characters of the value; old ones have none. */
  readonly hint: string | undefined;
  readonly displayName: string | undefined;
  readonly startTime: Timestamp | undefined;
  readonly expireTime: Timestamp | undefined;
}

export interface RegisteredCertificate {
  readonly keyId: string;
  /** SHA-1 or SHA-256 of the certificate, hex, as Graph gives `customKeyIdentifier`. */
  readonly thumbprint: string | undefined;
  readonly expireTime: Timestamp | undefined;
}

export interface AddedPassword {
  readonly kind: 'added';
  readonly keyId: string;
  readonly value: Secret;
  readonly expireTime: Timestamp;
}

/**
 * `refused`: rights or a policy stand in the way; `permission` names what to grant (`Application.ReadWrite.OwnedBy`), `code` is Graph's own.
 * `unavailable`: nobody's doing, try again. `unknown_home`: nobody said in which directory it is registered.
 */
export interface NotRegistered {
  readonly kind: 'refused' | 'unavailable' | 'unknown_home';
  readonly permission?: string | undefined;
  readonly code?: string | undefined;
}
