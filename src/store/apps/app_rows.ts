import { eq, getTableColumns, type SQL } from 'drizzle-orm';
import type { App } from '../../model/app.ts';
import { type Database, placeholder, placeholders, type Step } from '../database.ts';
import { markDue } from '../rows/mark_due.ts';
import { stateReasonFromJson } from '../rows/state_reason_json.ts';
import type { Row } from '../tables.ts';
import type { CredentialRows } from './credential_rows.ts';

/** What a registration needs of apps, to insert one in its own commit. */
export interface AppRows {
  readonly credentials: CredentialRows;
  insert(app: App): Step;
  /** Somebody must look anew at its registration and credentials; who read them before and writes later is refused. */
  makeInspectionDue(uid: string): Step;
  /** Those of all apps of the tenant. */
  makeInspectionsDue(tenantUid: string): Step;
}

export function createAppRows({ database, credentials }: { database: Database; credentials: CredentialRows }): AppRows {
  const { apps } = database.tables;
  const insert = database.write(
    'apps.insert',
    (db) => db.insert(apps).values(placeholders(getTableColumns(apps))),
    'TENANT_NOT_FOUND',
  );
  const makeDue = (name: string, whose: SQL) =>
    database.write(name, (db) =>
      db
        .update(apps)
        .set({ inspectTime: markDue(apps.inspectTime) })
        .where(whose),
    );
  const makeInspectionDue = makeDue('apps.makeInspectionDue', eq(apps.uid, placeholder(apps.uid, 'uid')));
  const makeInspectionsDue = makeDue(
    'apps.makeInspectionsDue',
    eq(apps.tenantUid, placeholder(apps.tenantUid, 'tenantUid')),
  );
  return {
    credentials,
    insert: (app) => insert.step(toRow(app), 1),
    makeInspectionDue: (uid) => makeInspectionDue.step({ uid }),
    makeInspectionsDue: (tenantUid) => makeInspectionsDue.step({ tenantUid }),
  };
}

export function toRow(app: App): Row<'apps'> {
  return {
    ...app,
    catalog: app.catalog ?? null,
    logoHash: app.logoHash ?? null,
    stateReason: app.stateReason ?? null,
    homeDirectoryId: app.homeDirectoryId ?? null,
    rotation: app.rotation ?? null,
    inspectTime: 0,
    strangers: [],
  };
}

export function toApp({ inspectTime: _, strangers: __, ...row }: Row<'apps'>): App {
  return {
    ...row,
    homeDirectoryId: row.homeDirectoryId ?? undefined,
    rotation: row.rotation ?? undefined,
    catalog: row.catalog ?? undefined,
    logoHash: row.logoHash ?? undefined,
    stateReason: stateReasonFromJson(row.stateReason),
    failingDirectories: row.failingDirectories.map(({ directoryId, evidence }) => ({
      directoryId,
      evidence: stateReasonFromJson(evidence) ?? evidence,
    })),
  };
}
