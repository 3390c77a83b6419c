import type { Priority } from '../entra/entra_client_interface.ts';
import type { AccessToken } from '../model/access_token.ts';
import type { Timestamp } from '../model/clock.ts';
import type { ConnectionSnapshot } from './connection_snapshot_cache.ts';
import type { Force } from './forced_exchange_rate_limit.ts';

/** Part of a request that redeems whatever is stored. */
export const FORCE_REFRESH = { accepts: () => false, expiresAfter: Number.MAX_SAFE_INTEGER } as const;

export interface RefreshRequest {
  readonly snapshot: ConnectionSnapshot;
  readonly resource: string;
  readonly priority: Priority;
  /** Whether a stored token may be served instead of a new one. */
  readonly accepts: (token: AccessToken) => boolean;
  /** A stored token that expires sooner is not accepted, so it is not even decrypted. */
  readonly expiresAfter: Timestamp;
  /** A claims challenge for Entra. */
  readonly claims?: string | undefined;
  /** Redeem although the connection or the resource is refused: VerifyConnection, keep-alive, a probe. Loop and suspect cooldowns hold. */
  readonly ignoreCooldown?: boolean | undefined;
  /** The call that wants another token than the stored one; undefined: none. */
  readonly force?: Force | undefined;
}
