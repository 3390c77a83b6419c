import { type Connection, connectionName } from './connection.ts';
import { isVaultError, VaultError } from './errors.ts';

/** An external id is unique within a tenant: a product that finds two connections could show one user's mail to another. */
export function externalIdTaken(holder: Pick<Connection, 'tenantId' | 'connectionId'>): VaultError {
  const resource = connectionName(holder);
  return new VaultError(
    'CONNECTION_EXISTS',
    `external_id: ${resource} has this external id. Remove it there first (UpdateConnection), or use another.`,
    { metadata: { field: 'external_id', resource } },
  );
}

/** Distinguishes it from a connection with the requested name. */
export function isExternalIdTaken(error: unknown): boolean {
  return isVaultError(error, 'CONNECTION_EXISTS') && error.metadata['field'] === 'external_id';
}
