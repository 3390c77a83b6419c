import { and, asc, eq, getTableColumns, gte, inArray, isNull, or, type SQL, sql } from 'drizzle-orm';
import { isNever, NEVER } from '../model/credential.ts';
import { toCredential } from './credentials.ts';
import type { Database } from './database.ts';
import { pairKey, splitPairKey, toPage } from './page_keys.ts';
import type { Tables } from './schema_twins.ts';
import type { CredentialOfApp, ExpiryStore } from './stores.ts';

/** What stands in the page's key for the end of a credential that has none: such ones come last. */
const ENDLESS = '-';

export function createEndingList(database: Database): ExpiryStore['listEnding'] {
  const { credentials, apps, tenants } = database.tables;
  const { material: _, ...open } = getTableColumns(credentials);
  const columns = { credential: open, app: appColumns(apps) };
  type Found = { credential: Parameters<typeof toCredential>[0]; app: CredentialOfApp['app'] };

  return async (page, { tenantIds, before, includeUnknown }) => {
    const [afterEnd, afterUid] = page.after === undefined ? [undefined, ''] : splitPairKey(page.after);
    const ofTenants =
      tenantIds &&
      sql`${credentials.tenantUid} IN (SELECT uid FROM tenants WHERE ${inArray(tenants.tenantId, [...tenantIds])})`;
    const byUid = asc(credentials.uid);
    const isEndless = or(isNull(credentials.expireTime), gte(credentials.expireTime, NEVER));
    const find = (name: string, condition: SQL | undefined, order: readonly SQL[], limit: number): Promise<Found[]> =>
      database.select(name, (db) =>
        db
          .select(columns)
          .from(credentials)
          .innerJoin(apps, eq(apps.uid, credentials.appUid))
          .where(and(condition, ofTenants))
          .orderBy(...order, byUid)
          .limit(limit),
      );

    const rows: Found[] = [];
    if (afterEnd !== ENDLESS) {
      const after =
        afterEnd === undefined
          ? undefined
          : sql`(${credentials.expireTime}, ${credentials.uid}) > (${Number(afterEnd)}, ${afterUid})`;
      const ends = and(sql`${credentials.expireTime} < ${Math.min(before, NEVER)}`, after);
      rows.push(...(await find('expiry.listEnding', ends, [asc(credentials.expireTime)], page.size + 1)));
    }
    const room = page.size + 1 - rows.length;
    if (includeUnknown && room > 0) {
      const after = afterEnd === ENDLESS ? sql`${credentials.uid} > ${afterUid}` : undefined;
      rows.push(...(await find('expiry.listEndless', and(isEndless, after), [], room)));
    }
    const keyOf = ({ credential: { uid, expireTime } }: Found) =>
      pairKey(expireTime === null || isNever(expireTime) ? ENDLESS : String(expireTime), uid);
    return toPage(rows, page, keyOf, ({ credential, app }) => ({ credential: toCredential(credential), app }));
  };
}

/** What is said of the app beside its credential. */
export function appColumns({ uid, tenantUid, tenantId, appId, clientId, displayName }: Tables['apps']) {
  return { uid, tenantUid, tenantId, appId, clientId, displayName };
}
