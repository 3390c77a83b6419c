import { and, asc, eq, getTableColumns, lte, ne, sql } from 'drizzle-orm';
import type { App } from '../../model/app.ts';
import type { Timestamp } from '../../model/clock.ts';
import type { Credential, CredentialMaterial, NewCredential, UsableCredential } from '../../model/credential.ts';
import { Secret } from '../../model/secret.ts';
import { type Database, placeholder, placeholders, type Step } from '../database.ts';
import { markDue } from '../rows/mark_due.ts';
import type { TenantKeys } from '../rows/tenant_keys.ts';
import type { AppStore } from '../stores.ts';
import type { Row } from '../tables.ts';

export interface CredentialRows extends Pick<AppStore, 'credentials' | 'usableCredentials' | 'credentialEnds'> {
  /** Seals: the DEK of the app's owner must be ready. */
  insert(app: Pick<App, 'uid' | 'tenantUid'>, credential: NewCredential): Step;
  /** Refuses where there is none of that id. */
  removeById(appUid: string, credentialId: string): Step;
  remove(uid: string): Step;
  /** Refuses where it is gone. */
  prefer(uid: string, time: Timestamp): Step;
  /** Somebody must look anew at the reminders of all credentials of the tenant that end. */
  makeDue(tenantUid: string): Step;
}

/** Each becomes a series of its own at every scrape: a tenth of a second for 10,000. */
const MOST_ENDS = 10_000;

export function createCredentialRows({ database, keys }: { database: Database; keys: TenantKeys }): CredentialRows {
  const { credentials, apps } = database.tables;
  const columns = getTableColumns(credentials);
  const { material: _, ...open } = columns;
  const uid = placeholder(credentials.uid, 'uid');
  const appUid = placeholder(credentials.appUid, 'appUid');

  const insert = database.write(
    'credentials.insert',
    (db) =>
      db.insert(credentials).values({
        ...placeholders(columns),
        // The only one of its app need not prove itself against another.
        preferTime: sql`CASE WHEN EXISTS (SELECT 1 FROM credentials AS c WHERE c.app_uid = ${appUid}) THEN NULL ELSE ${placeholder(credentials.createTime, 'createTime')} END`,
        position: sql`(SELECT coalesce(max(c.position), 0) + 1 FROM credentials AS c WHERE c.app_uid = ${appUid})`,
      }),
    'APP_NOT_FOUND',
  );
  const listOpen = database.rows('credentials.list', (db) =>
    db.select(open).from(credentials).where(eq(credentials.appUid, appUid)).orderBy(asc(credentials.position)),
  );
  const listUsable = database.rows('credentials.usable', (db) =>
    db.select().from(credentials).where(eq(credentials.appUid, appUid)).orderBy(asc(credentials.position)),
  );
  const removeById = database.write('credentials.removeById', (db) =>
    db
      .delete(credentials)
      .where(
        and(
          eq(credentials.appUid, appUid),
          eq(credentials.credentialId, placeholder(credentials.credentialId, 'credentialId')),
        ),
      ),
  );
  const remove = database.write('credentials.remove', (db) => db.delete(credentials).where(eq(credentials.uid, uid)));
  const time = placeholder(credentials.preferTime, 'time');
  const prefer = database.write('credentials.prefer', (db) =>
    db
      .update(credentials)
      .set({
        // Later than all others, also where the clock of another replica ran ahead.
        preferTime: sql`coalesce((
          SELECT max(other.prefer_time) + 1 FROM credentials AS other
            WHERE other.app_uid = ${credentials.appUid} AND other.uid <> ${credentials.uid} AND other.prefer_time >= ${time}), ${time})`,
      })
      .where(eq(credentials.uid, uid)),
  );
  const makeDue = database.write('credentials.makeDue', (db) =>
    db
      .update(credentials)
      .set({ reminderTime: markDue(credentials.reminderTime) })
      .where(
        sql`${eq(credentials.tenantUid, placeholder(credentials.tenantUid, 'tenantUid'))} AND ${credentials.expireTime} IS NOT NULL`,
      ),
  );
  const ends = database.rows('credentials.ends', (db) =>
    db
      .select({
        tenantId: apps.tenantId,
        appId: apps.appId,
        credentialId: credentials.credentialId,
        expireTime: credentials.expireTime,
      })
      .from(credentials)
      .innerJoin(apps, eq(apps.uid, credentials.appUid))
      // A far end of what Entra refuses would hide that the last one that works is about to go.
      .where(
        sql`${credentials.expireTime} IS NOT NULL AND (${ne(credentials.verdict, 'REJECTED')} OR ${lte(credentials.expireTime, placeholder(credentials.expireTime, 'now'))})`,
      )
      .orderBy(asc(credentials.expireTime), asc(credentials.uid))
      .limit(MOST_ENDS),
  );

  return {
    insert(app, { credential, material }) {
      const place = placeOf(app.tenantUid, credential.uid);
      return insert.step(
        {
          uid: credential.uid,
          tenantUid: app.tenantUid,
          appUid: app.uid,
          credentialId: credential.credentialId,
          kind: credential.kind,
          hint: credential.hint,
          notBefore: credential.notBefore ?? null,
          expireTime: credential.expireTime ?? null,
          configuredExpireTime: credential.configuredExpireTime ?? null,
          entraExpireTime: credential.entraExpireTime ?? null,
          entraKeyId: credential.entraKeyId ?? null,
          verdict: credential.verdict,
          entraError: credential.entraError ?? null,
          lastUsedTime: credential.lastUsedTime ?? null,
          createTime: credential.createTime,
          reminderTime: 0,
          lastRemindedDays: null,
          remindedExpireTime: null,
          material: keys.keyring.seal(place, materialToText(material)),
        },
        1,
      );
    },
    removeById: (appUid, credentialId) => removeById.step({ appUid, credentialId }, 1),
    remove: (uid) => remove.step({ uid }),
    prefer: (uid, time) => prefer.step({ uid, time }, 1),
    makeDue: (tenantUid) => makeDue.step({ tenantUid }),
    async credentials(appUid) {
      return (await listOpen.all({ appUid })).map(toCredential);
    },
    async usableCredentials(appUid) {
      const rows = await listUsable.all({ appUid });
      const usable: UsableCredential[] = [];
      for (const row of rows) {
        await keys.ready(row.tenantUid, row.material);
        const text = keys.keyring.openSecret(placeOf(row.tenantUid, row.uid), row.material);
        usable.push({ credential: toCredential(row), material: materialFromText(text) });
      }
      return usable;
    },
    async credentialEnds(now) {
      const rows = await ends.all({ now });
      return rows.map((row) => ({ ...row, expireTime: row.expireTime ?? 0 }));
    },
  };
}

function placeOf(tenantUid: string, credentialUid: string) {
  return { tenantUid, recordType: 'credential', recordUid: credentialUid, column: 'material' };
}

export function toCredential(row: Omit<Row<'credentials'>, 'material'>): Credential {
  return {
    uid: row.uid,
    appUid: row.appUid,
    credentialId: row.credentialId,
    kind: row.kind,
    hint: row.hint,
    notBefore: row.notBefore ?? undefined,
    expireTime: row.expireTime ?? undefined,
    configuredExpireTime: row.configuredExpireTime ?? undefined,
    entraExpireTime: row.entraExpireTime ?? undefined,
    entraKeyId: row.entraKeyId ?? undefined,
    verdict: row.verdict,
    entraError: row.entraError ?? undefined,
    lastUsedTime: row.lastUsedTime ?? undefined,
    preferTime: row.preferTime ?? undefined,
    createTime: row.createTime,
  };
}

function materialToText(material: CredentialMaterial): string {
  switch (material.kind) {
    case 'CLIENT_SECRET':
      return JSON.stringify({ kind: material.kind, clientSecret: material.clientSecret.reveal() });
    case 'CERTIFICATE': {
      const { kind, certificateChain, privateKey } = material;
      return JSON.stringify({ kind, certificateChain, privateKey: privateKey.reveal() });
    }
    case 'FEDERATED':
    case 'KEY_VAULT_SECRET':
      return JSON.stringify(material);
  }
}

type MaterialText =
  | { kind: 'CLIENT_SECRET'; clientSecret: string }
  | { kind: 'CERTIFICATE'; certificateChain: string; privateKey: string }
  | { kind: 'FEDERATED'; assertionFile: string }
  | { kind: 'KEY_VAULT_SECRET'; secretUri: string };

function materialFromText(text: Secret): CredentialMaterial {
  const stored = JSON.parse(text.reveal()) as MaterialText;
  switch (stored.kind) {
    case 'CLIENT_SECRET':
      return { kind: stored.kind, clientSecret: new Secret(stored.clientSecret) };
    case 'CERTIFICATE':
      return { ...stored, privateKey: new Secret(stored.privateKey) };
    case 'FEDERATED':
    case 'KEY_VAULT_SECRET':
      return stored;
  }
}
