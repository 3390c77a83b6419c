import { and, asc, eq, gt, gte, inArray, isNull, lt, type SQL, sql } from 'drizzle-orm';
import { NEVER } from '../../model/app_credential.ts';
import { appName } from '../../model/connection.ts';
import { appColumns } from '../apps/app_rows.ts';
import { openColumns, toCredential } from '../apps/credential_rows.ts';
import type { CredentialOfApp, ExpiryStore } from '../background_store_interfaces.ts';
import { pairKey, splitPairKey, toPage } from '../rows/keyset_pagination.ts';
import type { StoreParts } from '../rows/store_parts.ts';

/** Stands for an unknown expiry time in the page key. */
const UNKNOWN = '-';

export function createExpiringCredentials({ database, keys }: StoreParts): ExpiryStore['listExpiring'] {
  const { credentials, apps, tenants } = database.tables;
  const columns = { credential: openColumns(credentials), app: appColumns(apps) };
  type Found = { credential: Parameters<typeof toCredential>[0]; app: CredentialOfApp['app'] };

  return async (page, { tenantIds, after: expiredBy, before, includeUnknown }) => {
    const [afterEnd, afterUid] = page.after === undefined ? [undefined, ''] : splitPairKey(page.after);
    const ofTenants =
      tenantIds &&
      sql`${credentials.tenantUid} IN (SELECT uid FROM tenants WHERE ${inArray(tenants.tenantId, [...tenantIds])})`;
    // With `|| ''` the uid matches no index. Otherwise a planner would scan the credentials without expiry of all tenants in its order.
    const byUid = ofTenants === undefined ? credentials.uid : sql`${credentials.uid} || ''`;
    const find = (condition: SQL | undefined, limit: number): Promise<Found[]> =>
      database.select('expiry.listExpiring', (db) =>
        db
          .select(columns)
          .from(credentials)
          .innerJoin(apps, eq(apps.uid, credentials.appUid))
          .where(and(condition, ofTenants))
          .orderBy(asc(credentials.expireTime), asc(byUid))
          .limit(limit),
      );

    const after =
      afterEnd === undefined
        ? undefined
        : sql`(${credentials.expireTime}, ${credentials.uid}) > (${Number(afterEnd)}, ${afterUid})`;
    const notExpired = expiredBy === undefined ? undefined : gt(credentials.expireTime, expiredBy);
    const known = and(lt(credentials.expireTime, Math.min(before, NEVER)), notExpired, after);
    const never = and(gte(credentials.expireTime, NEVER), after);
    const unknown = isNull(credentials.expireTime);
    const from = afterEnd === UNKNOWN ? [and(unknown, gt(credentials.uid, afterUid))] : [known, never, unknown];

    // One query after the other: no index has this order for all of them at once.
    const rows: Found[] = [];
    for (const condition of includeUnknown ? from : from.slice(0, 1)) {
      const room = page.size + 1 - rows.length;
      if (room > 0) rows.push(...(await find(condition, room)));
    }
    const keyOf = ({ credential }: Found) => pairKey(credential.expireTime ?? UNKNOWN, credential.uid);
    const { items, next } = toPage(rows, page, keyOf, (row) => row);
    // Tenants were searched by name, which decides what the caller may see.
    const named = items
      .filter(({ app }) => tenantIds?.includes(app.tenantId) ?? true)
      .map(({ credential, app }) => ({ credential, app, tenantUid: app.tenantUid }));
    const nameOf = ({ app, credential }: Found) => `${appName(app)}/credentials/${credential.credentialId}`;
    const checked = await keys.openPage(named, nameOf, async ({ credential, app }) => {
      await keys.checkName(app);
      return { credential: toCredential(credential), app };
    });
    return { ...checked, next };
  };
}
