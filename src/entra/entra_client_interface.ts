import type { Duration, Timestamp } from '../model/clock.ts';
import type { App } from '../model/entra_app.ts';
import type { Reason } from '../model/errors.ts';
import type { Secret } from '../model/secret.ts';
import type { Failure, Outcome } from '../model/token_request_outcome.ts';
import type { Requester } from './health/refusal_evidence_weight.ts';

/** The purpose of an exchange; the first is served first. */
export type Priority = 'FOREGROUND' | 'REFRESH_AHEAD' | 'BACKGROUND';

/** Client of the authorization server. It records failures of apps and credentials; an outcome is about the grant. */
export interface AuthorizationServer {
  /** For a browser to sign in and consent (OpenID Connect code flow with PKCE S256, RFC 7636). */
  authorizationUri(request: AuthorizationUriRequest): string;

  /** https://learn.microsoft.com/entra/identity-platform/v2-admin-consent */
  adminConsentUri(request: AdminConsentUriRequest): string;

  /**
   * Waits for a slot of (app, directory). Fails without a request to Entra for what is already known:
   * OVERLOADED, ENTRA_THROTTLED, ENTRA_UNAVAILABLE (open circuit), APP_SUSPENDED, APP_CREDENTIAL_REJECTED,
   * APP_CREDENTIAL_EXPIRED, APP_MISCONFIGURED, ADMIN_CONSENT_REQUIRED or BLOCKED_BY_POLICY of a failing directory.
   */
  admit(request: AdmissionRequest): Promise<Admission>;

  /**
   * Tries each credential of the app with client credentials. Empty if the app's audience names no directory.
   * `priority`: FOREGROUND by default.
   */
  probe(app: App, directoryId: string | undefined, priority?: Priority): Promise<readonly CredentialProbe[]>;

  /** Error response at the redirect URI, of sign-in or admin consent. `codes`: the AADSTS codes of its description. */
  readAuthorizationError(error: string, codes: readonly number[]): Failure;

  /** To be called when the app changed, or a credential was added or removed: clears what is known about it. */
  forget(appUid: string): void;

  /** To be called when changes of apps may have been missed. */
  forgetAll(): void;

  /** Set while Entra throttles the app in some directory. */
  throttledUntil(appUid: string): Timestamp | undefined;

  /** Waits for the probes in the background. */
  settled(): Promise<void>;

  /** Closes idle connections and timers. */
  close(): Promise<void>;
}

export interface AuthorizationUriRequest {
  readonly app: App;
  /** Undefined: the app's audience. */
  readonly directoryId: string | undefined;
  readonly redirectUri: string;
  /** Full form, of all resources: `https://graph.microsoft.com/Mail.Read`, OIDC scopes by their bare names. */
  readonly scopes: readonly string[];
  readonly state: string;
  readonly nonce: string;
  readonly codeChallenge: string;
  readonly loginHint: string | undefined;
  readonly prompt: string | undefined;
  readonly claims: string | undefined;
}

export type AdminConsentUriRequest = Pick<
  AuthorizationUriRequest,
  'app' | 'directoryId' | 'redirectUri' | 'scopes' | 'state'
>;

export interface AdmissionRequest {
  readonly app: App;
  /** Undefined: the app's audience (for a code, whose account is not known yet). */
  readonly directoryId: string | undefined;
  /** The tenant whose share the exchange counts against. Default: the app's owner. */
  readonly tenantUid?: string | undefined;
  /** Id of the caller that forces the exchange, although a valid token is stored. Forced exchanges use slots of their own. */
  readonly forcedBy?: string | undefined;
  readonly priority: Priority;
  /** Undefined: a refusal counts against this request only. */
  readonly requester?: Requester | undefined;
  /** Stops the wait for a slot, but no exchange that was sent. */
  readonly signal?: AbortSignal | undefined;
}

/** A slot for exchanges. Release it in a `finally`. */
export interface Admission {
  redeemRefreshToken(request: RefreshTokenRequest): Promise<Outcome>;
  redeemCode(request: CodeRequest): Promise<Outcome>;
  acquireForApp(request: AppTokenRequest): Promise<Outcome>;
  release(): void;
}

export interface RefreshTokenRequest extends AttemptOptions {
  readonly refreshToken: Secret;
  readonly resource: string;
  /** Full form, of one resource; `{resource}/.default` for everything consented. */
  readonly scopes: readonly string[];
  /** A claims challenge of the resource (CAE). */
  readonly claims?: string | undefined;
}

export interface AttemptOptions {
  /** A second attempt after a refusal: its failure is not recorded. */
  readonly retry?: boolean | undefined;
  /** Sends the request even if Entra refused the same one a short time ago. */
  readonly force?: boolean | undefined;
  /** For the whole exchange, retries included. Default 8 s: less than a lease. */
  readonly timeout?: Duration | undefined;
}

export interface CodeRequest {
  readonly code: Secret;
  readonly codeVerifier: Secret;
  readonly nonce: Secret;
  readonly redirectUri: string;
  readonly resource: string;
  readonly scopes: readonly string[];
}

export interface AppTokenRequest {
  readonly resource: string;
}

export interface CredentialProbe {
  readonly credentialId: string;
  readonly outcome: 'VALID' | 'REJECTED' | 'PROPAGATING' | 'INCONCLUSIVE';
  /** Meaning of Entra's refusal; undefined: Entra accepted the credential, or no request was sent. */
  readonly reason: Reason | undefined;
  readonly entraError: string | undefined;
  readonly correlationId: string | undefined;
  /** For INCONCLUSIVE if the credential could not be presented: the vault's reason and message, if it has them. */
  readonly unusable?: { readonly reason: Reason | undefined; readonly message: string | undefined };
}
