import type { App } from '../model/app.ts';
import type { Duration, Timestamp } from '../model/clock.ts';
import type { Secret } from '../model/secret.ts';

/**
 * App registrations as Graph shows them to the app itself. Nothing here throws for what Graph or Entra answer.
 * Reads may lag behind writes for seconds: what was just added need not be shown yet.
 * The app needs `Application.ReadWrite.OwnedBy`, and must be an owner of its own registration, which it is not by itself:
 * https://learn.microsoft.com/troubleshoot/entra/entra-id/app-integration/add-owner-for-application-microsoft-graph
 */
export interface AppRegistrations {
  /** https://learn.microsoft.com/graph/api/application-get */
  read(app: App): Promise<{ readonly kind: 'registered'; readonly registration: Registered } | RegistrationFailure>;
  /**
   * The answer tells the secret once, and Entra keeps it in any case; so it is asked once, and `unavailable` may have made one.
   * https://learn.microsoft.com/graph/api/application-addpassword
   */
  addPassword(
    app: App,
    wish: { readonly displayName: string; readonly endTime: Timestamp },
  ): Promise<{ readonly kind: 'added'; readonly password: AddedPassword } | RegistrationFailure>;
  /** `absent`: it was not there any more. https://learn.microsoft.com/graph/api/application-removepassword */
  removePassword(app: App, keyId: string): Promise<{ readonly kind: 'removed' | 'absent' } | RegistrationFailure>;
}

export interface Registered {
  readonly passwords: readonly RegisteredPassword[];
  readonly certificates: readonly RegisteredCertificate[];
}

export interface RegisteredPassword {
  readonly keyId: string;
  /** First 3 characters; `''`: Graph shows none (of an old one). */
  readonly hint: string;
  readonly displayName: string;
  /** Undefined: Graph does not say. */
  readonly endTime: Timestamp | undefined;
}

export interface RegisteredCertificate {
  readonly keyId: string;
  /** SHA-1 of the certificate, hex in lower case; undefined: Graph does not say. */
  readonly thumbprint: string | undefined;
  /** Undefined: Graph does not say. */
  readonly endTime: Timestamp | undefined;
}

export interface AddedPassword {
  readonly keyId: string;
  readonly secret: Secret;
  readonly endTime: Timestamp;
}

export type RegistrationFailure =
  /** Neither the app's audience nor the operator says where its registration lives. */
  | { readonly kind: 'no_directory' }
  /** There is no such registration in that directory. */
  | { readonly kind: 'not_found'; readonly code: string | undefined }
  /** 403, and 401 but for a token that is not taken. `permission`: the application permission on Graph to grant. */
  | { readonly kind: 'forbidden'; readonly permission: string; readonly code: string | undefined }
  /** An app management policy of the directory, or a request that Graph finds fault with. https://learn.microsoft.com/graph/api/resources/applicationauthenticationmethodpolicy */
  | { readonly kind: 'refused'; readonly code: string | undefined }
  /** No credential of the app gets a token, or Graph gives no clear answer; of a write nobody knows whether it was done. */
  | { readonly kind: 'unavailable'; readonly code: string | undefined; readonly retryAfter: Duration | undefined };
