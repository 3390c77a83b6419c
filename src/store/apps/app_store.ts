import { isDeepStrictEqual } from 'node:util';
import { and, asc, eq, getTableColumns, gte, ne, sql } from 'drizzle-orm';
import { appStateChanged } from '../../model/app_state_changed_event.ts';
import { appName } from '../../model/connection.ts';
import type { App } from '../../model/entra_app.ts';
import { changedSinceRead } from '../../model/etag.ts';
import { placeholder, placeholders } from '../database_interface.ts';
import { afterPair, pairKey, toPage } from '../rows/keyset_pagination.ts';
import type { StoreParts } from '../rows/store_parts.ts';
import type { AppStore } from '../store_interfaces.ts';
import type { Row } from '../table_definitions.ts';
import type { AppRows } from './app_rows.ts';
import type { CredentialRows } from './credential_rows.ts';
import { createProbeResults } from './record_credential_verdict.ts';

type AppRow = Row<'apps'>;

export function createAppStore(
  parts: StoreParts,
  { appRows, credentialRows }: { appRows: AppRows; credentialRows: CredentialRows },
): AppStore {
  const { database, keys, outbox, changes, clock } = parts;
  const { apps, connections } = database.tables;
  const { makeInspectionDue } = appRows;
  const all = placeholders(getTableColumns(apps));
  const { uid: _uid, tenantUid: _tenantUid, tenantId: _tenantId, appId: _appId, clientId: _clientId, ...others } = all;
  const { cloud: _cloud, createTime: _time, ...later } = others;
  const { inspectTime: _inspect, knownKeyIds: _ids, registrationReading: _reading, ...changeable } = later;
  const unchanged = and(eq(apps.uid, all.uid), eq(apps.version, all.version));
  const nextVersion = sql`${apps.version} + 1`;

  const find = database.rows('apps.find', (db) =>
    db
      .select()
      .from(apps)
      .where(and(eq(apps.tenantUid, all.tenantUid), eq(apps.appId, all.appId))),
  );
  const findByUid = database.rows('apps.findByUid', (db) => db.select().from(apps).where(eq(apps.uid, all.uid)));
  const update = database.write('apps.update', (db) =>
    db
      .update(apps)
      .set({ ...changeable, version: nextVersion })
      .where(unchanged),
  );
  const clearRejection = database.write('apps.clearRejection', (db) =>
    db
      .update(apps)
      .set({ state: 'OK', stateReason: null, version: nextVersion })
      .where(and(eq(apps.uid, all.uid), eq(apps.state, 'CREDENTIAL_REJECTED'))),
  );
  const recordState = database.write('apps.state', (db) =>
    db
      .update(apps)
      .set({ state: all.state, stateReason: all.stateReason, version: nextVersion })
      .where(and(eq(apps.uid, all.uid), eq(apps.state, placeholder(apps.state, 'previousState')))),
  );
  const recordDirectories = database.write('apps.failingDirectories', (db) =>
    db.update(apps).set({ failingDirectories: all.failingDirectories, version: nextVersion }).where(unchanged),
  );
  const deleteApp = database.write('apps.delete', (db) => db.delete(apps).where(unchanged), 'APP_IN_USE');
  const count = database.rows('apps.countConnections', (db) =>
    db
      .select({
        all: sql<number>`count(*)`.mapWith(Number),
        own: sql<number>`coalesce(sum(CASE WHEN ${eq(connections.tenantUid, all.tenantUid)} THEN 1 ELSE 0 END), 0)`.mapWith(
          Number,
        ),
      })
      .from(connections)
      .where(eq(connections.appUid, all.uid)),
  );

  /** Reads at most 500 connections: in a large directory that works, some were refreshed recently. */
  const grantedSince = database.rows('apps.grantedSince', (db) => {
    const sample = db
      .select({ uid: connections.uid, lastRefreshTime: connections.lastRefreshTime })
      .from(connections)
      .where(
        and(
          eq(connections.directoryId, placeholder(connections.directoryId, 'directoryId')),
          eq(connections.appUid, all.uid),
        ),
      )
      .limit(500)
      .as('sample');
    return db
      .select({ uid: sample.uid })
      .from(sample)
      .where(
        and(
          gte(sample.lastRefreshTime, placeholder(connections.lastRefreshTime, 'time')),
          ne(sample.uid, placeholder(connections.uid, 'except')),
        ),
      )
      .limit(1);
  });

  const stateEvent = (before: App, after: App) => outbox.publish(appStateChanged(before, after, clock.now()));

  async function findApp(uid: string): Promise<App | undefined> {
    const row = await findByUid.first({ uid });
    return row && appRows.toApp(row);
  }

  return {
    credentials: credentialRows.credentials,
    usableCredentials: credentialRows.usableCredentials,
    credentialEnds: credentialRows.credentialEnds,
    ...createProbeResults(parts, credentialRows),
    async create(app, credential, logo) {
      await keys.commitSealed(app.tenantUid, () => [
        appRows.insert(app),
        ...(credential === undefined ? [] : [credentialRows.insert(app, credential)]),
        ...(logo === undefined ? [] : [appRows.upsertLogo(app.uid, logo)]),
      ]);
    },
    async find(tenantUid, appId) {
      const row = await find.first({ tenantUid, appId });
      return row && appRows.toApp(row);
    },
    findByUid: findApp,
    async list(page, tenantIds) {
      const rows = await database.select('apps.list', (db) =>
        db
          .select()
          .from(apps)
          .where(afterPair(page, apps.tenantId, apps.appId, tenantIds))
          .orderBy(asc(apps.tenantId), asc(apps.appId))
          .limit(page.size + 1),
      );
      const keyOf = (row: AppRow) => pairKey(row.tenantId, row.appId);
      const { items, next } = toPage<AppRow, AppRow>(rows, page, keyOf, (row) => row);
      return { ...(await keys.openPage(items, appName, appRows.toApp)), next };
    },
    async update(before, after, logo) {
      const { uid, version } = before;
      const loses = before.logoHash !== undefined && after.logoHash === undefined;
      await keys.ready(before.tenantUid);
      const { tenantUid, tenantId, appId, clientId, cloud } = before;
      const mac = appRows.macOf({ ...after, uid, tenantUid, tenantId, appId, clientId, cloud });
      const { committed } = await changes.commit(
        { kind: 'app', uid },
        update.step({ ...after, uid, version, mac }, 1),
        ...(loses ? [appRows.deleteLogo(uid)] : []),
        ...(logo === undefined ? [] : [appRows.upsertLogo(uid, logo)]),
        ...(inspectsAlike(before, after) ? [] : [makeInspectionDue(uid)]),
        ...stateEvent(before, after),
      );
      if (!committed) throw changedSinceRead(appName(before));
      return { ...after, version: before.version + 1 };
    },
    findLogo: appRows.findLogo,
    async delete(app) {
      const { uid, version } = app;
      const { committed } = await changes.commit({ kind: 'app', uid }, deleteApp.step({ uid, version }, 1));
      if (!committed) throw changedSinceRead(appName(app));
    },
    async countConnections(appUid) {
      return (await count.first({ uid: appUid, tenantUid: '' }))?.all ?? 0;
    },
    async countForeignConnections(app) {
      const counted = await count.first({ uid: app.uid, tenantUid: app.tenantUid });
      return counted === undefined ? 0 : counted.all - counted.own;
    },
    async addCredential(app, credential) {
      const { uid } = app;
      // The state may change between read and write. Then repeat, or the event would not match the row.
      for (;;) {
        const before = await findApp(uid);
        const rejected = before?.state === 'CREDENTIAL_REJECTED';
        const seal = () => [
          credentialRows.insert(app, credential),
          clearRejection.step({ uid }, rejected ? 1 : 0),
          ...(rejected ? stateEvent(before, { ...before, state: 'OK', stateReason: undefined }) : []),
          makeInspectionDue(uid),
        ];
        const { committed } = await keys.commitSealed(app.tenantUid, seal, (...steps) =>
          changes.commit({ kind: 'app', uid }, ...steps),
        );
        if (committed) return;
      }
    },
    async removeCredential(appUid, credentialId) {
      const removal = credentialRows.removeById(appUid, credentialId);
      const change = { kind: 'app', uid: appUid } as const;
      return (await changes.commit(change, removal, makeInspectionDue(appUid))).committed;
    },
    async wasGrantedSince(uid, directoryId, time, except) {
      return (await grantedSince.first({ uid, directoryId: directoryId.toLowerCase(), time, except })) !== undefined;
    },
    async recordAppState(uid, state, stateReason) {
      for (;;) {
        const before = await findApp(uid);
        if (before === undefined || (before.state === 'OK' && state === 'OK')) return;
        const { committed } = await changes.commit(
          { kind: 'app', uid },
          recordState.step({ uid, state, stateReason, previousState: before.state }, 1),
          ...stateEvent(before, { ...before, state, stateReason }),
        );
        if (committed) return;
      }
    },
    async recordFailingDirectory(appUid, directoryId, evidence) {
      // Two directories may fail at once: the second writer repeats.
      for (;;) {
        const row = await findByUid.first({ uid: appUid });
        if (row === undefined) return;
        const others = row.failingDirectories.filter((failing) => failing.directoryId !== directoryId);
        const failingDirectories = evidence === undefined ? others : [...others, { directoryId, evidence }];
        if (evidence === undefined && others.length === row.failingDirectories.length) return;
        const { version } = row;
        const { committed } = await changes.commit(
          { kind: 'app', uid: appUid },
          recordDirectories.step({ uid: appUid, version, failingDirectories }, 1),
        );
        if (committed) return;
      }
    },
  };
}

/** Whether an inspection of both has the same result. */
function inspectsAlike(one: App, other: App): boolean {
  return (
    one.signInAudience === other.signInAudience &&
    one.homeDirectoryId === other.homeDirectoryId &&
    one.suspended === other.suspended &&
    isDeepStrictEqual(one.rotation, other.rotation)
  );
}
