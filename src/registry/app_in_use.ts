import { VaultError } from '../model/errors.ts';

/** Other tenants connect through it: their users would be cut off by a hand that is not theirs. */
export function sharedAppInUse(resource: string, connections: number): VaultError {
  return new VaultError(
    'APP_IN_USE',
    `${connections} connections of other tenants go through ${resource}; they must be deleted or moved to another app first, force does not help`,
    { metadata: { resource, foreign_connections: String(connections) } },
  );
}

export function appInUse(resource: string, connections: number, next: string): VaultError {
  return new VaultError('APP_IN_USE', `${connections} connections go through ${resource}; ${next}`, {
    metadata: { resource, connections: String(connections) },
  });
}
