import { and, count, desc, eq, exists, getTableColumns, gt, inArray, isNull, lt, or, sql } from 'drizzle-orm';
import { canonicalAccount, connectionName } from '../../model/connection.ts';
import { VaultError } from '../../model/errors.ts';
import { changedSinceRead } from '../../model/etag.ts';
import type { ConnectionRows } from '../connections/connection_rows.ts';
import type { ExternalIds } from '../connections/unique_external_ids.ts';
import { placeholder, placeholders } from '../database_interface.ts';
import { deleteUpTo } from '../rows/delete_up_to.ts';
import { withoutNulls } from '../rows/nulls.ts';
import type { StoreParts } from '../rows/store_parts.ts';
import type { AuthorizationStore } from '../store_interfaces.ts';
import { type AuthorizationRow, createAuthorizationRows } from './authorization_row_mapping.ts';

/** Everyone who has the link can press its button; each press adds a row, which is kept as long as the link. */
const MOST_ATTEMPTS = 100;

export function createAuthorizationStore(
  { database, keys, changes }: StoreParts,
  { connectionRows, externalIds }: { connectionRows: ConnectionRows; externalIds: ExternalIds },
): AuthorizationStore {
  const { authorizations, authorizationAttempts: attempts } = database.tables;
  const rows = createAuthorizationRows(keys);
  const all = placeholders(getTableColumns(authorizations));
  const attempt = placeholders(getTableColumns(attempts));
  const byUid = eq(authorizations.uid, all.uid);
  const unfinished = inArray(authorizations.state, ['OPEN', 'CONSENTED']);
  const now = placeholder(attempts.expireTime, 'now');
  const nothingWaits = { waitingGrant: null, confirmationHash: null, confirmationExpireTime: null };

  const insert = database.write(
    'authorizations.insert',
    (db) => db.insert(authorizations).values(all),
    'CONNECTION_NOT_FOUND',
  );
  const insertAttempt = database.write('attempts.insert', (db) => db.insert(attempts).values(attempt), 'STATE_INVALID');
  const findByUid = database.rows('authorizations.findByUid', (db) => db.select().from(authorizations).where(byUid));
  const findByHandle = database.rows('authorizations.findByHandle', (db) =>
    db.select().from(authorizations).where(eq(authorizations.handleHash, all.handleHash)),
  );
  const progress = {
    uid: authorizations.uid,
    connectionUid: authorizations.connectionUid,
    appUid: authorizations.appUid,
    state: authorizations.state,
    failure: authorizations.failure,
    expireTime: authorizations.expireTime,
    confirmationExpireTime: authorizations.confirmationExpireTime,
  };
  const findNewest = database.rows('authorizations.findNewest', (db) =>
    db
      .select(progress)
      .from(authorizations)
      .where(eq(authorizations.connectionUid, all.connectionUid))
      .orderBy(desc(authorizations.createTime), desc(authorizations.uid))
      .limit(1),
  );
  // The state of a second press is not consumed if the first press has completed the link: a repetition would show the outcome of the first.
  const useState = database.rows('attempts.use', (db) =>
    db
      .update(attempts)
      .set({ usedTime: now })
      .where(
        and(
          eq(attempts.stateHash, attempt.stateHash),
          isNull(attempts.usedTime),
          gt(attempts.expireTime, now),
          exists(
            db
              .select({ uid: authorizations.uid })
              .from(authorizations)
              .where(and(eq(authorizations.uid, attempts.authorizationUid), eq(authorizations.state, 'OPEN'))),
          ),
        ),
      )
      .returning(),
  );
  const findAttempt = database.rows('attempts.find', (db) =>
    db.select().from(attempts).where(eq(attempts.stateHash, attempt.stateHash)),
  );
  const countAttempts = database.rows('attempts.count', (db) =>
    db.select({ count: count() }).from(attempts).where(eq(attempts.authorizationUid, attempt.authorizationUid)),
  );
  const consent = database.write('authorizations.consent', (db) =>
    db
      .update(authorizations)
      .set({
        state: 'CONSENTED',
        waitingGrant: all.waitingGrant,
        confirmationHash: all.confirmationHash,
        confirmationExpireTime: all.confirmationExpireTime,
      })
      .where(and(byUid, eq(authorizations.state, 'OPEN'))),
  );
  const findConsented = database.rows('authorizations.findConsented', (db) =>
    db
      .select()
      .from(authorizations)
      .where(
        and(
          eq(authorizations.connectionUid, all.connectionUid),
          eq(authorizations.confirmationHash, all.confirmationHash),
          eq(authorizations.state, 'CONSENTED'),
          gt(authorizations.confirmationExpireTime, now),
        ),
      ),
  );
  const confirm = database.write('authorizations.confirm', (db) =>
    db
      .update(authorizations)
      .set({ state: 'CONFIRMED', ...nothingWaits })
      .where(and(byUid, unfinished)),
  );
  const fail = database.write('authorizations.fail', (db) =>
    db
      .update(authorizations)
      .set({ state: 'FAILED', failure: all.failure, ...nothingWaits })
      .where(and(byUid, unfinished)),
  );
  const cancel = database.write('authorizations.cancel', (db) =>
    db
      .update(authorizations)
      .set({ state: 'FAILED', failure: 'CANCELLED' })
      .where(and(byUid, eq(authorizations.state, 'OPEN'))),
  );
  const hasExpired = and(
    lt(authorizations.expireTime, all.expireTime),
    or(isNull(authorizations.confirmationExpireTime), lt(authorizations.confirmationExpireTime, all.expireTime)),
  );
  const sweep = database.write(
    'authorizations.sweep',
    deleteUpTo(sql.placeholder('limit'), { table: authorizations, key: authorizations.uid, where: hasExpired }),
  );

  const current = <Item>(row: AuthorizationRow, open: (row: AuthorizationRow) => Promise<Item>) =>
    keys.openCurrent(row, () => findByUid.first(row), open);
  const toAuthorization = (row: AuthorizationRow | undefined) => row && current(row, rows.toAuthorization);

  return {
    async start({ connection, authorization, handleHash, attempt, stateHash }) {
      const { tenantUid } = authorization;
      const seal = () => [
        ...(connection === undefined ? [] : connectionRows.insert(connection, undefined)),
        insert.step({ ...rows.toRow(authorization, handleHash) }, 1),
        insertAttempt.step(rows.toAttemptRow(tenantUid, attempt, stateHash), 1),
      ];
      await externalIds.guarded(connection, () => keys.commitSealed(tenantUid, seal));
    },
    findByHandle: async (handleHash) => toAuthorization(await findByHandle.first({ handleHash })),
    findByUid: async (uid) => toAuthorization(await findByUid.first({ uid })),
    async readProgress(uids) {
      const found = await database.select('authorizations.progress', (db) =>
        db
          .select(progress)
          .from(authorizations)
          .where(inArray(authorizations.uid, [...uids])),
      );
      return found.map(withoutNulls);
    },
    async findNewest(connectionUid) {
      const row = await findNewest.first({ connectionUid });
      return row && withoutNulls(row);
    },
    async addAttempt(attempt, stateHash) {
      const authorization = await findByUid.first({ uid: attempt.authorizationUid });
      if (authorization === undefined)
        throw new VaultError('STATE_INVALID', 'The authorization is over. Start a new one.');
      const before = await countAttempts.first({ authorizationUid: attempt.authorizationUid });
      if (before !== undefined && before.count >= MOST_ATTEMPTS)
        throw new VaultError('RATE_LIMITED', 'The link was used too often. Start a new authorization.');
      const { tenantUid } = authorization;
      await keys.commitSealed(tenantUid, () => [
        insertAttempt.step({ ...rows.toAttemptRow(tenantUid, attempt, stateHash) }, 1),
      ]);
    },
    async useState(stateHash, now) {
      const fresh = await useState.first({ stateHash, now });
      const known = fresh ?? (await findAttempt.first({ stateHash }));
      const row = known && (await findByUid.first({ uid: known.authorizationUid }));
      // A state that expired, or whose authorization was completed, without being used is unknown.
      if (known?.usedTime == null || row === undefined) return { kind: 'unknown' };
      const authorization = await current(row, rows.toAuthorization);
      if (fresh === undefined) return { kind: 'used', authorization };
      const reread = () => findAttempt.first({ stateHash });
      const attempt = await keys.openCurrent(fresh, reread, (now) => rows.toAttempt(row.tenantUid, now));
      return { kind: 'fresh', authorization, attempt };
    },
    async consent(uid, grant, confirmationHash, confirmationExpireTime) {
      const row = await findByUid.first({ uid });
      if (row === undefined) return false;
      const values = { uid, confirmationHash, confirmationExpireTime };
      const seal = () => [consent.step({ ...values, waitingGrant: rows.sealGrant(row, grant) }, 1)];
      return (await keys.commitSealed(row.tenantUid, seal)).committed;
    },
    async findConsented(connectionUid, confirmationHash, now) {
      const row = await findConsented.first({ connectionUid, confirmationHash, now });
      if (row === undefined) return undefined;
      return current(row, async (now) => {
        if (now.waitingGrant === null) return undefined;
        const grant = await rows.openGrant(now, now.waitingGrant);
        return { authorization: await rows.toAuthorization(now), grant };
      });
    },
    async confirm(authorization, before, after, grant) {
      const seal = () => [
        ...connectionRows.replace(before, after, grant.refreshToken),
        confirm.step({ uid: authorization.uid }, 1),
      ];
      const change = { kind: 'connection', uid: before.uid } as const;
      const result = await externalIds.guarded(after, () =>
        keys.commitSealed(after.tenantUid, seal, (...steps) => changes.commit(change, ...steps)),
      );
      if (result.committed) {
        return { ...after, account: canonicalAccount(after.account), version: before.version + 1 };
      }
      if (result.refusedBy === 0) throw changedSinceRead(connectionName(before));
      throw new VaultError('STATE_INVALID', 'The authorization was completed meanwhile. Start a new one.');
    },
    async fail(uid, failure) {
      await fail.run({ uid, failure });
    },
    cancel: async (uid) => (await cancel.run({ uid })) === 1,
    sweep: (time, limit) => sweep.run({ expireTime: time, limit }),
  };
}
