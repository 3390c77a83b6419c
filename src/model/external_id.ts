import { type Connection, connectionName } from './connection.ts';
import { isVaultError, VaultError } from './errors.ts';

/** An external id belongs to one connection of a tenant: a product that finds two would hand one user's mail to another. */
export function externalIdTaken(holder: Pick<Connection, 'tenantId' | 'connectionId'>): VaultError {
  const connection = connectionName(holder);
  return new VaultError(
    'CONNECTION_EXISTS',
    `external_id: belongs to ${connection} already; take it from there first (UpdateConnection), or use another`,
    { metadata: { field: 'external_id', connection } },
  );
}

/** Told apart from a connection of that very name. */
export function isExternalIdTaken(error: unknown): boolean {
  return isVaultError(error, 'CONNECTION_EXISTS') && error.metadata['field'] === 'external_id';
}
