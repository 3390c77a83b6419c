import { and, eq, getTableColumns } from 'drizzle-orm';
import { type Connection, connectionName } from '../../model/connection.ts';
import { isVaultError, VaultError } from '../../model/errors.ts';
import { externalIdTaken } from '../../model/external_id_taken_error.ts';
import { placeholders } from '../database_interface.ts';
import type { StoreParts } from '../rows/store_parts.ts';

export type ExternalIds = ReturnType<typeof createExternalIds>;

/** An external id belongs to one connection of a tenant. */
export function createExternalIds({ database }: StoreParts) {
  const { connections } = database.tables;
  const { tenantUid, externalId } = placeholders(getTableColumns(connections));
  const byExternalId = database.rows('connections.findByExternalId', (db) =>
    db
      .select()
      .from(connections)
      .where(and(eq(connections.tenantUid, tenantUid), eq(connections.externalId, externalId))),
  );
  const find = (tenantUid: string, externalId: string) => byExternalId.first({ tenantUid, externalId });

  return {
    find,
    /**
     * CONNECTION_EXISTS with the name of the holder, if `write` failed for an external id that is in use: without it the caller could
     * not resolve the conflict.
     */
    async guarded<T>(connection: Connection | undefined, write: () => Promise<T>): Promise<T> {
      try {
        return await write();
      } catch (error) {
        const taken = isVaultError(error, 'CONNECTION_EXISTS') && error.metadata['field'] === 'external_id';
        if (!taken || connection?.externalId === undefined) throw error;
        const holder = await find(connection.tenantUid, connection.externalId);
        if (holder === undefined) throw error;
        // Two callers created the same connection at once, and the database has reported this one of the two conflicting keys.
        if (holder.connectionId === connection.connectionId) throw alreadyExists(connection);
        throw externalIdTaken(holder);
      }
    },
  };
}

function alreadyExists(connection: Connection): VaultError {
  const resource = connectionName(connection);
  const message = `${resource} was created meanwhile. Choose another id, or change that connection.`;
  return new VaultError('CONNECTION_EXISTS', message, { metadata: { resource } });
}
