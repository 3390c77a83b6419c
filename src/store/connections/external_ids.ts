import { and, eq } from 'drizzle-orm';
import { type Connection, connectionName } from '../../model/connection.ts';
import { isVaultError, VaultError } from '../../model/errors.ts';
import { externalIdTaken } from '../../model/external_id.ts';
import { type Database, placeholder } from '../database.ts';
import type { ConnectionRow } from './connection_columns.ts';

/** An external id belongs to one connection of a tenant. */
export interface ExternalIds {
  find(tenantUid: string, externalId: string): Promise<ConnectionRow | undefined>;
  /** CONNECTION_EXISTS with the name of the holder, where `write` failed for a taken external id: without it nobody could do anything about it. */
  guarded<T>(connection: Connection | undefined, write: () => Promise<T>): Promise<T>;
}

export function createExternalIds(database: Database): ExternalIds {
  const { connections } = database.tables;
  const byExternalId = database.rows('connections.findByExternalId', (db) =>
    db
      .select()
      .from(connections)
      .where(
        and(
          eq(connections.tenantUid, placeholder(connections.tenantUid, 'tenantUid')),
          eq(connections.externalId, placeholder(connections.externalId, 'externalId')),
        ),
      ),
  );
  const find = (tenantUid: string, externalId: string) => byExternalId.first({ tenantUid, externalId });

  return {
    find,
    async guarded(connection, write) {
      try {
        return await write();
      } catch (error) {
        const taken = isVaultError(error, 'CONNECTION_EXISTS') && error.metadata['field'] === 'external_id';
        if (!taken || connection?.externalId === undefined) throw error;
        const holder = await find(connection.tenantUid, connection.externalId);
        if (holder === undefined) throw error;
        // Two made the same connection at once: of the two taken keys the database has named this one.
        if (holder.connectionId === connection.connectionId) throw alreadyExists(connection);
        throw externalIdTaken(holder);
      }
    },
  };
}

function alreadyExists(connection: Connection): VaultError {
  const resource = connectionName(connection);
  return new VaultError(
    'CONNECTION_EXISTS',
    `${resource} was created meanwhile; choose another id, or change that one.`,
    {
      metadata: { resource },
    },
  );
}
