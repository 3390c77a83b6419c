import { DAY } from '../../model/clock.ts';
import type { Secret } from '../../model/secret.ts';
import type { StoreParts } from '../rows/store_parts.ts';
import type { HeldLease } from '../store_interfaces.ts';
import { type ConnectionRow, placeOf } from './connection_row_mapping.ts';

export const REFRESH_TOKEN = 'refresh_token';
const PREVIOUS_REFRESH_TOKEN = 'previous_refresh_token';

/** How long a rotated refresh token is kept in case Entra rejects the new one. */
const PREVIOUS_LIFE = DAY;

/** The two refresh tokens of a connection's row; the tenant's keys must be ready. */
export function createRefreshTokens({ keys: { keyring }, clock }: Pick<StoreParts, 'keys' | 'clock'>) {
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

    /** A new refresh token makes the stored one the previous one, which is sealed again because seals are bound to the column. */
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
