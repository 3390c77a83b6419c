import type { Timestamp } from './clock.ts';
import type { PermissionsByResource } from './connection.ts';
import type { Reason } from './errors.ts';
import type { Secret } from './secret.ts';

/**
 * OPEN: waits for the user. CONSENTED: the grant is stored, sealed, until the product confirms it.
 * CONFIRMED: the grant is in use. FAILED: completed with a reason.
 */
export type AuthorizationState = 'OPEN' | 'CONSENTED' | 'CONFIRMED' | 'FAILED';

/** CANCELLED: the user cancelled on the connect page. It is no state, so that no earlier replica shows it as success. */
export type AuthorizationFailure = Reason | 'CANCELLED';

/** A user's consent in progress. It has its own row, because the connection's old grant is served meanwhile. */
export interface Authorization {
  readonly uid: string;
  readonly tenantUid: string;
  readonly connectionUid: string;
  readonly appUid: string;
  readonly state: AuthorizationState;
  readonly productScopes: readonly string[];
  /** Requested from Entra, all resources together. */
  readonly permissions: PermissionsByResource;
  readonly redirectUri: string;
  /** Undefined: the product has its own callback, or confirms itself. */
  readonly returnUrl: string | undefined;
  /** What activates the grant: the caller's own callback (CALLER), ConfirmAuthorization (CONFIRM), or the vault's callback (AUTO). */
  readonly completion: 'CALLER' | 'CONFIRM' | 'AUTO';
  readonly loginHint: string | undefined;
  /** Directory to sign in to; undefined: the app's audience. */
  readonly directoryId: string | undefined;
  readonly prompt: string | undefined;
  /** Accept an account that differs from the connection's earlier one. */
  readonly allowAccountChange: boolean;
  /** A claims challenge to pass on to Entra. */
  readonly claims: string | undefined;
  readonly failure: AuthorizationFailure | undefined;
  readonly createTime: Timestamp;
  /** The link `/connect/{handle}` expires: 24 h after it was created. */
  readonly expireTime: Timestamp;
}

/** How far an authorization is, without what is sealed. */
export interface AuthorizationProgress
  extends Pick<Authorization, 'uid' | 'connectionUid' | 'appUid' | 'state' | 'failure' | 'expireTime'> {
  /** Of the grant that waits for its confirmation. */
  readonly confirmationExpireTime: Timestamp | undefined;
}

/** One redirect to Entra's authorize page: OAuth state (single use, 10 minutes), its PKCE verifier and nonce. */
export interface AuthorizationAttempt {
  readonly authorizationUid: string;
  readonly codeVerifier: Secret;
  readonly nonce: Secret;
  readonly expireTime: Timestamp;
}
