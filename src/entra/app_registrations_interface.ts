import type { CertificateMaterial } from '../model/app_credential.ts';
import type { Duration, Timestamp } from '../model/clock.ts';
import type { App } from '../model/entra_app.ts';
import type { Secret } from '../model/secret.ts';

/**
 * App registrations, as Graph shows them to the app itself. No response of Graph or Entra makes a method throw.
 * Reads may lag behind writes for seconds: a new password may be missing.
 * The app needs `Application.ReadWrite.OwnedBy`, and must be an owner of its registration, which it is not by default:
 * https://learn.microsoft.com/troubleshoot/entra/entra-id/app-integration/add-owner-for-application-microsoft-graph
 */
export interface AppRegistrations {
  /** https://learn.microsoft.com/graph/api/application-get */
  read(app: App): Promise<{ readonly kind: 'registered'; readonly registration: Registered } | RegistrationFailure>;
  /**
   * Sends the request once: each request may create a secret, which only its response contains. So may one that fails
   * with `unavailable`.
   * https://learn.microsoft.com/graph/api/application-addpassword
   */
  addPassword(
    app: App,
    wish: { readonly displayName: string; readonly endTime: Timestamp },
  ): Promise<{ readonly kind: 'added'; readonly password: AddedPassword } | RegistrationFailure>;
  /** `absent`: it was already removed. https://learn.microsoft.com/graph/api/application-removepassword */
  removePassword(app: App, keyId: string): Promise<{ readonly kind: 'removed' | 'absent' } | RegistrationFailure>;
  /** `proofBy`: one that the registration lists and that is valid. https://learn.microsoft.com/graph/api/application-addkey */
  addCertificate(
    app: App,
    wish: {
      /** PEM. */
      readonly certificate: string;
      readonly proofBy: CertificateMaterial;
    },
  ): Promise<{ readonly kind: 'added'; readonly keyId: string | undefined } | RegistrationFailure>;
  /** `absent`: it was already removed. https://learn.microsoft.com/graph/api/application-removekey */
  removeCertificate(
    app: App,
    keyId: string,
    proofBy: CertificateMaterial,
  ): Promise<{ readonly kind: 'removed' | 'absent' } | RegistrationFailure>;
}

export interface Registered {
  /** Object id of the registration; undefined: Graph does not return it. */
  readonly objectId: string | undefined;
  readonly passwords: readonly RegisteredPassword[];
  readonly certificates: readonly RegisteredCertificate[];
}

export interface RegisteredPassword {
  readonly keyId: string;
  /** First 3 characters; `''`: Graph does not return it (old passwords). */
  readonly hint: string;
  readonly displayName: string;
  /** Undefined: Graph does not return it. */
  readonly endTime: Timestamp | undefined;
}

export interface RegisteredCertificate {
  readonly keyId: string;
  /** Common name of the certificate's subject; `''`: unknown. */
  readonly displayName: string;
  /** SHA-1 of the certificate, lower-case hex; undefined: Graph does not return it. */
  readonly thumbprint: string | undefined;
  /** Undefined: Graph does not return it. */
  readonly endTime: Timestamp | undefined;
}

export interface AddedPassword {
  readonly keyId: string;
  readonly secret: Secret;
  readonly endTime: Timestamp;
}

export type RegistrationFailure =
  /** Neither the app's audience nor the operator names the directory of its registration. */
  | { readonly kind: 'no_directory' }
  /** The directory has no such registration. */
  | { readonly kind: 'not_found'; readonly code: string | undefined }
  /** 403, or 401 unless Graph rejected the token itself. `permission`: the application permission on Graph to grant. */
  | { readonly kind: 'forbidden'; readonly permission: string; readonly code: string | undefined }
  /** An app management policy, or an invalid request. https://learn.microsoft.com/graph/api/resources/applicationauthenticationmethodpolicy */
  | { readonly kind: 'refused'; readonly code: string | undefined }
  /** No credential of the app gets a token, or Graph gives no clear response; a write may or may not have been done. */
  | { readonly kind: 'unavailable'; readonly code: string | undefined; readonly retryAfter: Duration | undefined };
