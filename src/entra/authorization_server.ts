import type { App } from '../model/app.ts';
import type { Duration, Timestamp } from '../model/clock.ts';
import type { Reason } from '../model/errors.ts';
import type { Failure, Outcome } from '../model/exchange.ts';
import type { Secret } from '../model/secret.ts';
import type { Requester } from './health/requester.ts';

/** Who waits for an exchange; the first comes first. */
export type Priority = 'FOREGROUND' | 'REFRESH_AHEAD' | 'BACKGROUND';

/** What is asked of Entra. It blames apps and credentials by itself; an outcome is about the grant alone. */
export interface AuthorizationServer {
  /** Where a browser goes to sign in and consent (OpenID Connect code flow with PKCE S256, RFC 7636). */
  authorizationUri(request: AuthorizationUriRequest): string;

  /** https://learn.microsoft.com/entra/identity-platform/v2-admin-consent */
  adminConsentUri(request: AdminConsentUriRequest): string;

  /**
   * Waits for a pacing slot of (app, directory). Answers at once, without a request to Entra, what is already known:
   * OVERLOADED, ENTRA_THROTTLED, ENTRA_UNAVAILABLE (open circuit), APP_SUSPENDED, APP_CREDENTIAL_REJECTED,
   * APP_CREDENTIAL_EXPIRED, APP_MISCONFIGURED, ADMIN_CONSENT_REQUIRED or BLOCKED_BY_POLICY of a failing directory.
   */
  admit(request: AdmissionRequest): Promise<Admission>;

  /**
   * Tries each credential of the app on its own with client credentials; undefined where the audience names no directory.
   * `priority`: FOREGROUND unless given.
   */
  probe(app: App, directoryId: string | undefined, priority?: Priority): Promise<readonly CredentialProbe[]>;

  /** What came to the redirect URI in place of a code, or of an administrator's consent. `codes`: the AADSTS codes of its description. */
  readAuthorizationError(error: string, codes: readonly number[]): Failure;

  /** A credential was added or removed, or the app changed: forget what was learned of it and probe at once. */
  forget(appUid: string): void;

  /** While Entra throttles the app somewhere. */
  throttledUntil(appUid: string): Timestamp | undefined;

  /** Waits for the probes that were started in the background. */
  settled(): Promise<void>;

  /** Ends idle connections and timers. */
  close(): Promise<void>;
}

export interface AuthorizationUriRequest {
  readonly app: App;
  /** Where to sign in; the app's audience when undefined. */
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

export interface AdminConsentUriRequest {
  readonly app: App;
  readonly directoryId: string | undefined;
  readonly redirectUri: string;
  readonly scopes: readonly string[];
  readonly state: string;
}

export interface AdmissionRequest {
  readonly app: App;
  /** Undefined: the app's audience (a code whose account is not known yet). */
  readonly directoryId: string | undefined;
  /** For whom, where the app is another tenant's and shared: each tenant has its share. Default: the tenant of the app. */
  readonly tenantUid?: string | undefined;
  readonly priority: Priority;
  /** Undefined: nothing that Entra refuses counts beyond this request. */
  readonly requester?: Requester | undefined;
  /** Ends the waiting for a slot, never an exchange that has left. */
  readonly signal?: AbortSignal | undefined;
}

/** A pacing slot. Release it in a `finally`. */
export interface Admission {
  redeemRefreshToken(request: RefreshTokenRequest): Promise<Outcome>;
  redeemCode(request: CodeRequest): Promise<Outcome>;
  acquireForApp(request: AppTokenRequest): Promise<Outcome>;
  release(): void;
}

export interface RefreshTokenRequest {
  readonly refreshToken: Secret;
  readonly resource: string;
  /** Full form, of one resource; `{resource}/.default` for all that is consented. */
  readonly scopes: readonly string[];
  /** A claims challenge of the resource (CAE). */
  readonly claims?: string | undefined;
  /** A second try after a refusal: its failure marks nothing. */
  readonly retry?: boolean | undefined;
  /** Ask Entra although the same request was refused a short while ago. */
  readonly force?: boolean | undefined;
  /** Total time for the exchange, retry included. Default 8 s: less than a lease. */
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
  /** What Entra's refusal means; undefined: it accepted the credential, or was not asked. */
  readonly reason: Reason | undefined;
  readonly entraError: string | undefined;
  readonly correlationId: string | undefined;
  /** INCONCLUSIVE, since nothing could be presented: Entra was not asked. The vault's reason and words, where it has them. */
  readonly unusable?: { readonly reason: Reason | undefined; readonly message: string | undefined };
}
