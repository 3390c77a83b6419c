import { DAY } from '../../model/clock.ts';
import type { Secret } from '../../model/secret.ts';
import { SEALED_COLUMNS } from '../rows/sealed_columns.ts';
import type { StoreParts } from '../rows/store_parts.ts';
import type { HeldLease } from '../store_interfaces.ts';
import type { ConnectionRow } from './connection_row_mapping.ts';

/** How long a rotated refresh token is kept in case Entra rejects the new one. */
const PREVIOUS_LIFE = DAY;

/** The two refresh tokens of a connection's row; the tenant's keys must be ready. */
export function createRefreshTokens({ keys: { keyring }, clock }: Pick<StoreParts, 'keys' | 'clock'>) {
  const places = SEALED_COLUMNS.connections;

  return {
    current(row: ConnectionRow): Secret | undefined {
      return row.refreshToken === null ? undefined : keyring.openSecret(places.refreshToken(row), row.refreshToken);
    },

    previous(row: ConnectionRow): HeldLease['previousRefreshToken'] {
      const { previousRefreshToken: sealed, replacedTime } = row;
      if (sealed === null || replacedTime === null || replacedTime + PREVIOUS_LIFE <= clock.now())
        return () => undefined;
      const open = keyring.openSecretLater(places.previousRefreshToken(row), sealed);
      return () => ({ token: open(), replacedTime });
    },

    /** A new refresh token makes the stored one the previous one, which is sealed again because seals are bound to the column. */
    rotated(row: ConnectionRow, stored: Secret | undefined, fresh: Secret) {
      return {
        refreshToken: keyring.seal(places.refreshToken(row), fresh),
        previousRefreshToken: stored === undefined ? null : keyring.seal(places.previousRefreshToken(row), stored),
        replacedTime: stored === undefined ? null : clock.now(),
      };
    },
  };
}
