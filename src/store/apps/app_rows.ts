import { eq, getTableColumns, type SQL, sql } from 'drizzle-orm';
import type { App } from '../../model/entra_app.ts';
import type { Logo } from '../../model/logo.ts';
import { placeholders } from '../database_interface.ts';
import { withoutNulls } from '../rows/nulls.ts';
import { appMac } from '../rows/row_macs.ts';
import { markDue } from '../rows/select_due_rows.ts';
import type { StoreParts } from '../rows/store_parts.ts';
import type { Row, Tables } from '../table_definitions.ts';

export type AppRows = ReturnType<typeof createAppRows>;

/** Rows of apps and their logos, for the commits of several stores. */
export function createAppRows({ database, keys }: StoreParts) {
  const { apps, appLogos } = database.tables;
  const all = placeholders(getTableColumns(apps));
  const logo = placeholders(getTableColumns(appLogos));
  const insert = database.write('apps.insert', (db) => db.insert(apps).values(all), 'TENANT_NOT_FOUND');
  const makeDue = (name: string, whose: SQL) =>
    database.write(name, (db) =>
      db
        .update(apps)
        .set({ inspectTime: markDue(apps.inspectTime) })
        .where(whose),
    );
  const makeInspectionDue = makeDue('apps.makeInspectionDue', eq(apps.uid, all.uid));
  const makeInspectionsDue = makeDue('apps.makeInspectionsDue', eq(apps.tenantUid, all.tenantUid));
  // Several apps may have the same image, which then has one address.
  const findLogo = database.rows('logos.find', (db) =>
    db.select().from(appLogos).where(eq(appLogos.hash, logo.hash)).limit(1),
  );
  const upsertLogo = database.write('logos.upsert', (db) =>
    db
      .insert(appLogos)
      .values(logo)
      .onConflictDoUpdate({
        target: appLogos.appUid,
        set: { hash: sql`excluded.hash`, mediaType: sql`excluded.media_type`, image: sql`excluded.image` },
      }),
  );
  const deleteLogo = database.write('logos.delete', (db) =>
    db.delete(appLogos).where(eq(appLogos.appUid, logo.appUid)),
  );

  const macOf = (app: App) => keys.keyring.mac(appMac(app));

  return {
    /** The keys of the app's tenant must be ready. */
    insert: (app: App) =>
      insert.step({ ...app, inspectTime: 0, knownKeyIds: [], registrationReading: null, mac: macOf(app) }, 1),
    /** Of the columns that the row of this app will have. */
    macOf,
    /** RECORD_CORRUPT if the columns under the MAC were changed outside of the vault. */
    async toApp(row: Row<'apps'>): Promise<App> {
      await keys.ready(row.tenantUid);
      keys.keyring.checkMac(appMac(row), row.mac);
      return toApp(row);
    },
    /** Makes the inspection of the app due at once. A writer that read its row before is rejected. */
    makeInspectionDue: (uid: string) => makeInspectionDue.step({ uid }),
    /** The same for all apps of the tenant. */
    makeInspectionsDue: (tenantUid: string) => makeInspectionsDue.step({ tenantUid }),
    async findLogo(hash: string): Promise<Logo | undefined> {
      const row = await findLogo.first({ hash });
      return row && { mediaType: row.mediaType, image: row.image, hash: row.hash };
    },
    upsertLogo: (appUid: string, { mediaType, image, hash }: Logo) =>
      upsertLogo.step({ appUid, hash, mediaType, image: Buffer.from(image) }, 1),
    deleteLogo: (appUid: string) => deleteLogo.step({ appUid }),
  };
}

/** The MAC of the row is not checked. */
export function toApp(row: Row<'apps'>): App {
  const { inspectTime: _, knownKeyIds: _ids, registrationReading: _reading, mac: _mac, ...app } = withoutNulls(row);
  return app;
}

/** The columns of the app that are read together with a credential. */
export function appColumns({ uid, tenantUid, tenantId, appId, clientId, displayName }: Tables['apps']) {
  return { uid, tenantUid, tenantId, appId, clientId, displayName };
}
