import { isDeepStrictEqual } from 'node:util';
import { and, eq, getTableColumns } from 'drizzle-orm';
import type { Connection } from '../../model/connection.ts';
import { connectionChanged } from '../../model/connection_changed_event.ts';
import { isVaultError } from '../../model/errors.ts';
import { placeholders, type Step } from '../database_interface.ts';
import { identityOf } from '../rows/row_macs.ts';
import type { StoreParts } from '../rows/store_parts.ts';
import type { GrantStore, HeldLease, LeaseRequest, RefreshRecord } from '../store_interfaces.ts';
import { type ConnectionRow, grantColumns } from './connection_row_mapping.ts';
import type { ConnectionRows } from './connection_rows.ts';
import { createLeasesInDatabase } from './refresh_leases_in_database.ts';
import { createLeasesInMemory } from './refresh_leases_in_memory.ts';
import { createRecordStatements, hasOtherState } from './refresh_record_statements.ts';
import { createRefreshTokens } from './refresh_token_columns.ts';
import type { AccessTokenRows } from './sealed_access_token_rows.ts';

export function createGrantStore(
  { database, keys, outbox, changes, clock }: StoreParts,
  { connectionRows, accessTokens }: { connectionRows: ConnectionRows; accessTokens: AccessTokenRows },
): GrantStore {
  const { connections } = database.tables;
  // A database with one process needs no write for a lease.
  const leases = database.isShared ? createLeasesInDatabase(database) : createLeasesInMemory(database);
  const refreshTokens = createRefreshTokens({ keys, clock });
  const all = placeholders(getTableColumns(connections));
  const recordOf = createRecordStatements(database);
  const hasThisVersion = and(eq(connections.uid, all.uid), eq(connections.version, all.version));
  // The MAC also covers the external id, which may change during the lease: hence the version.
  const recordAccount = database.write('grants.recordAccount', (db) =>
    db
      .update(connections)
      .set({ directoryId: all.directoryId, objectId: all.objectId, mac: all.mac })
      .where(hasThisVersion),
  );
  /** Changes nothing; rejects the commit unless the row has this version. */
  const hasVersion = database.write('grants.hasVersion', (db) =>
    db.update(connections).set({ version: all.version }).where(hasThisVersion),
  );

  /** The lease id fences the first step, but a change of labels does not replace it. The event must still describe the current row. */
  async function commitRecord(leased: Connection, outcome: RefreshRecord, seal: () => readonly Step[]) {
    const { uid, tenantUid } = leased;
    for (let before = leased; ; ) {
      const { externalId, labels, version } = before;
      const after = { ...outcome.connection, externalId, labels };
      const events = outbox.publish(connectionChanged({ before, after, time: clock.now() }));
      const guards = events.length === 0 ? [] : [hasVersion.step({ uid, version: version + 1 }, 1)];
      const isCached = events.length > 0 || !isDeepStrictEqual(servedBy(before), servedBy(after));
      const change = isCached ? ({ kind: 'connection', uid } as const) : undefined;
      const result = await keys.commitSealed(
        tenantUid,
        () => [...seal(), ...accountSteps(before, after), ...guards, ...events],
        (...steps) => changes.commit(change, ...steps),
      );
      if (result.committed) return 'recorded';
      const row = result.refusedBy === 0 ? undefined : await connectionRows.find(uid);
      if (row === undefined) return 'fenced';
      before = await connectionRows.toConnection(row);
    }
  }

  /** Nothing in nearly all refreshes: the account is another one only if Entra named none before. */
  function accountSteps(before: Connection, after: Connection): readonly Step[] {
    const [known, { directoryId, objectId }] = [identityOf(before), identityOf(after)];
    if (known.directoryId === directoryId && known.objectId === objectId) return [];
    const mac = connectionRows.macOf({ ...before, account: after.account });
    return [recordAccount.step({ uid: before.uid, version: before.version + 1, directoryId, objectId, mac }, 1)];
  }

  /** Seals: the tenant's keys must be ready. */
  function recordStep(row: ConnectionRow, before: HeldLease, outcome: RefreshRecord): Step {
    const { uid, leaseId } = row;
    const { connection, refreshToken: fresh } = outcome;
    const changed = {
      person: !samePerson(before.connection, connection),
      tokens: fresh !== undefined,
      state: hasOtherState(before.connection, connection),
    };
    return recordOf(changed).step(
      {
        uid,
        leaseId,
        ...grantColumns(connection),
        ...(changed.person ? connectionRows.personalOf(connection) : {}),
        ...(fresh === undefined ? {} : refreshTokens.rotated(row, before.refreshToken, fresh)),
      },
      1,
    );
  }

  async function hold(row: ConnectionRow, { resource, endsAfter, known }: LeaseRequest): Promise<HeldLease> {
    const { tenantUid } = row;
    const connection = await connectionRows.toConnection(row, known);
    // Each record makes a version, so none has stored a token since.
    const isSame = known?.version === connection.version;
    const accessToken = isSame ? undefined : await accessTokens.find(row, resource, endsAfter ?? clock.now());
    await keys.ready(tenantUid, row.refreshToken);
    const refreshToken = refreshTokens.current(row);
    const held: HeldLease = {
      connection,
      refreshToken,
      previousRefreshToken: refreshTokens.previous(row),
      accessToken,
      async record(outcome: RefreshRecord) {
        const seal = () => [
          recordStep(row, held, outcome),
          ...(outcome.accessToken === undefined ? [] : [accessTokens.upsert(row, outcome.accessToken)]),
        ];
        try {
          const result = await commitRecord(connection, outcome, seal);
          leases.ended(row);
          return result;
        } catch (error) {
          // The tenant was deleted, and its keys with it.
          if (isVaultError(error, 'TENANT_NOT_FOUND')) return 'fenced';
          throw error;
        }
      },
      release: () => leases.release(row),
    };
    return held;
  }

  return {
    findAccessToken: accessTokens.find,
    async lease(connectionUid, request) {
      const row = await leases.acquire(connectionUid, request);
      if (row === undefined) return undefined;
      try {
        const reread = () => connectionRows.find(row.uid);
        return await keys.openCurrent({ ...row }, reread, (now) => hold({ ...now, leaseId: row.leaseId }, request));
      } catch (error) {
        await leases.release(row);
        throw error;
      }
    },
  };
}

/** What others decide by that no event reports: permissions that were gained, and the account that a first refresh finds. */
function servedBy({ granted, productScopes, account }: Connection) {
  return { granted, productScopes, directoryId: account?.directoryId, objectId: account?.objectId };
}

function samePerson(before: Connection, after: Connection): boolean {
  return (
    before.account?.username === after.account?.username &&
    before.account?.displayName === after.account?.displayName &&
    before.account?.email === after.account?.email
  );
}
