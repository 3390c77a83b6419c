import type { ContainedSet } from '../model/contained_set.ts';
import { isVaultError } from '../model/errors.ts';
import type { ConnectionSnapshot } from './connection_snapshot_cache.ts';

type Facts = Pick<ConnectionSnapshot, 'app' | 'connection'>;

/**
 * The directory of an unverified import without an account is not known: its token is checked again when Entra has
 * named the account. CONTAINED.
 */
export function checkNotContained(contained: ContainedSet, { app, connection }: Facts): void {
  if (contained.size === 0) return;
  contained.check({ tenantId: connection.tenantId, app, directoryId: connection.account?.directoryId });
}

export function isContained(contained: ContainedSet, facts: Facts): boolean {
  try {
    checkNotContained(contained, facts);
    return false;
  } catch (error) {
    if (isVaultError(error, 'CONTAINED')) return true;
    throw error;
  }
}
