import { type Clock, DAY } from '../../model/clock.ts';
import type { Secret } from '../../model/secret.ts';
import type { TenantKeys } from '../rows/tenant_keys.ts';
import type { HeldLease } from '../stores.ts';
import { type ConnectionRow, placeOf } from './connection_columns.ts';

export const REFRESH_TOKEN = 'refresh_token';
const PREVIOUS_REFRESH_TOKEN = 'previous_refresh_token';

/** A rotated refresh token is kept so long for the case that the new one is refused. */
const PREVIOUS_LIFE = DAY;

/** The two refresh tokens of a connection's row; the tenant's keys must be ready. */
export function createRefreshTokens({ keys: { keyring }, clock }: { keys: TenantKeys; clock: Clock }) {
  function open(row: ConnectionRow, column: string, sealed: Buffer): Secret {
    return keyring.openSecret(placeOf(row.uid, row.tenantUid, column), sealed);
  }

  return {
    current(row: ConnectionRow): Secret | undefined {
      return row.refreshToken === null ? undefined : open(row, REFRESH_TOKEN, row.refreshToken);
    },

    previous(row: ConnectionRow): HeldLease['previousRefreshToken'] {
      const { previousRefreshToken: sealed, replacedTime } = row;
      if (sealed === null || replacedTime === null || replacedTime + PREVIOUS_LIFE <= clock.now()) return undefined;
      return { token: open(row, PREVIOUS_REFRESH_TOKEN, sealed), replacedTime };
    },

    /** A new refresh token makes the stored one the previous; sealed again, since it moves to another place. */
    rotated(row: ConnectionRow, stored: Secret | undefined, fresh: Secret | undefined) {
      const { previousRefreshToken, replacedTime, refreshToken } = row;
      if (fresh === undefined) return { refreshToken, previousRefreshToken, replacedTime };
      const place = (column: string) => placeOf(row.uid, row.tenantUid, column);
      return {
        refreshToken: keyring.seal(place(REFRESH_TOKEN), fresh),
        previousRefreshToken: stored === undefined ? null : keyring.seal(place(PREVIOUS_REFRESH_TOKEN), stored),
        replacedTime: stored === undefined ? null : clock.now(),
      };
    },
  };
}
