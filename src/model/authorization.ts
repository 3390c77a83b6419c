import type { Timestamp } from './clock.ts';
import type { PermissionsByResource } from './connection.ts';
import type { Reason } from './errors.ts';
import type { Secret } from './secret.ts';

/**
 * OPEN: waits for the user. CONSENTED: the grant waits, sealed, for the product's confirmation.
 * CONFIRMED: the grant was swapped in. FAILED: over, with a reason.
 */
export type AuthorizationState = 'OPEN' | 'CONSENTED' | 'CONFIRMED' | 'FAILED';

/** A user's consent under way. A row of its own: the connection's old grant serves on meanwhile. */
export interface Authorization {
  readonly uid: string;
  readonly tenantUid: string;
  readonly connectionUid: string;
  readonly appUid: string;
  readonly state: AuthorizationState;
  readonly productScopes: readonly string[];
  /** What Entra is asked for, all resources together. */
  readonly permissions: PermissionsByResource;
  readonly redirectUri: string;
  /** Undefined: the product runs its own callback, or confirms by itself. */
  readonly returnUrl: string | undefined;
  /** Who swaps the grant in: nobody but the caller's own callback (CALLER), ConfirmAuthorization (CONFIRM), or the callback at once (AUTO). */
  readonly completion: 'CALLER' | 'CONFIRM' | 'AUTO';
  readonly loginHint: string | undefined;
  /** Where to sign in: a directory id, or the app's audience when undefined. */
  readonly directoryId: string | undefined;
  readonly prompt: string | undefined;
  /** Accept an account that differs from the connection's earlier one. */
  readonly allowAccountChange: boolean;
  /** A claims challenge to pass on to Entra. */
  readonly claims: string | undefined;
  readonly failure: Reason | undefined;
  readonly createTime: Timestamp;
  /** The link `/connect/{handle}` ends here: 24 h after its making. */
  readonly expireTime: Timestamp;
}

/** One trip to Entra's authorize page: OAuth state (single use, 10 minutes), its PKCE verifier and nonce. */
export interface AuthorizationAttempt {
  readonly authorizationUid: string;
  readonly codeVerifier: Secret;
  readonly nonce: Secret;
  readonly expireTime: Timestamp;
}
