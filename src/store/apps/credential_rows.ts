import { and, asc, eq, getTableColumns, lte, ne, sql } from 'drizzle-orm';
import type { Credential, CredentialMaterial, NewCredential, UsableCredential } from '../../model/app_credential.ts';
import type { Timestamp } from '../../model/clock.ts';
import { Secret } from '../../model/secret.ts';
import { placeholder, placeholders, type Step } from '../database_interface.ts';
import { withoutNulls } from '../rows/nulls.ts';
import { type NamedApp, SEALED_COLUMNS } from '../rows/sealed_columns.ts';
import { markDue } from '../rows/select_due_rows.ts';
import type { StoreParts } from '../rows/store_parts.ts';
import type { CredentialEnd } from '../store_interfaces.ts';
import type { Row, Tables } from '../table_definitions.ts';

export type CredentialRows = ReturnType<typeof createCredentialRows>;

const placeOf = SEALED_COLUMNS.credentials.material;

/** Each credential is a metric series of its own; a scrape of 10,000 takes a tenth of a second. */
const MOST_ENDS = 10_000;

/** Rows of credentials, for the commits of several stores. */
export function createCredentialRows({ database, keys }: StoreParts) {
  const { credentials, apps } = database.tables;
  const open = openColumns(credentials);
  const all = placeholders(getTableColumns(credentials));
  const { uid, appUid } = all;

  const insert = database.write(
    'credentials.insert',
    (db) =>
      db.insert(credentials).values({
        ...all,
        // The only credential of its app is preferred at once.
        preferTime: sql`CASE WHEN EXISTS (SELECT 1 FROM credentials AS c WHERE c.app_uid = ${appUid}) THEN NULL ELSE CAST(${all.createTime} AS bigint) END`,
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
    db.delete(credentials).where(and(eq(credentials.appUid, appUid), eq(credentials.credentialId, all.credentialId))),
  );
  const remove = database.write('credentials.remove', (db) => db.delete(credentials).where(eq(credentials.uid, uid)));
  const time = placeholder(credentials.preferTime, 'time');
  const prefer = database.write('credentials.prefer', (db) =>
    db
      .update(credentials)
      .set({
        // Later than all others, even if the clock of another replica is ahead.
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
      .where(sql`${eq(credentials.tenantUid, all.tenantUid)} AND ${credentials.expireTime} IS NOT NULL`),
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
      // Without rejected credentials: their later expiry would hide that the last accepted one is about to expire.
      .where(
        sql`${credentials.expireTime} IS NOT NULL AND (${ne(credentials.verdict, 'REJECTED')} OR ${lte(credentials.expireTime, placeholder(credentials.expireTime, 'now'))})`,
      )
      .orderBy(asc(credentials.expireTime), asc(credentials.uid))
      .limit(MOST_ENDS),
  );

  return {
    /** Seals: the DEK of the app's owner must be ready. */
    insert(app: NamedApp, { credential, material }: NewCredential): Step {
      const sealed = keys.keyring.seal(placeOf(app, credential.uid), materialToText(material));
      const columns = {
        tenantUid: app.tenantUid,
        reminderTime: 0,
        lastRemindedDays: null,
        remindedExpireTime: null,
        material: sealed,
      };
      return insert.step({ ...credential, ...columns, appUid: app.uid }, 1);
    },
    /** Rejects the commit if the app has no credential of that id. */
    removeById: (appUid: string, credentialId: string) => removeById.step({ appUid, credentialId }, 1),
    remove: (uid: string) => remove.step({ uid }),
    /** Rejects the commit if the credential was deleted. */
    prefer: (uid: string, time: Timestamp) => prefer.step({ uid, time }, 1),
    /** Makes the reminders of all expiring credentials of the tenant due at once. */
    makeDue: (tenantUid: string) => makeDue.step({ tenantUid }),
    async credentials(appUid: string): Promise<Credential[]> {
      return (await listOpen.all({ appUid })).map(toCredential);
    },
    async usableCredentials(app: NamedApp): Promise<UsableCredential[]> {
      const list = () => listUsable.all({ appUid: app.uid });
      return keys.openCurrent(await list(), list, async (rows) => {
        const usable: UsableCredential[] = [];
        for (const row of rows) {
          await keys.ready(app.tenantUid, row.material);
          const text = keys.keyring.openSecret(placeOf(app, row.uid), row.material);
          usable.push({ credential: toCredential(row), material: materialFromText(text) });
        }
        return usable;
      });
    },
    async credentialEnds(now: Timestamp): Promise<CredentialEnd[]> {
      const rows = await ends.all({ now });
      return rows.map((row) => ({ ...row, expireTime: row.expireTime ?? 0 }));
    },
  };
}

/** A credential without its sealed material. */
export function openColumns(credentials: Tables['credentials']) {
  const { material: _, ...open } = getTableColumns(credentials);
  return open;
}

export function toCredential(row: Omit<Row<'credentials'>, 'material'> & { material?: Buffer }): Credential {
  const {
    material,
    tenantUid: _,
    position,
    reminderTime,
    lastRemindedDays,
    remindedExpireTime,
    ...credential
  } = withoutNulls(row);
  return credential;
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
    case 'MANAGED_IDENTITY':
    case 'KEY_VAULT_CERTIFICATE':
      return JSON.stringify(material);
  }
}

type MaterialText =
  | { kind: 'CLIENT_SECRET'; clientSecret: string }
  | { kind: 'CERTIFICATE'; certificateChain: string; privateKey: string }
  | Extract<
      CredentialMaterial,
      { kind: 'FEDERATED' | 'KEY_VAULT_SECRET' | 'MANAGED_IDENTITY' | 'KEY_VAULT_CERTIFICATE' }
    >;

function materialFromText(text: Secret): CredentialMaterial {
  const stored = JSON.parse(text.reveal()) as MaterialText;
  switch (stored.kind) {
    case 'CLIENT_SECRET':
      return { kind: stored.kind, clientSecret: new Secret(stored.clientSecret) };
    case 'CERTIFICATE':
      return { ...stored, privateKey: new Secret(stored.privateKey) };
    case 'FEDERATED':
    case 'KEY_VAULT_SECRET':
    case 'MANAGED_IDENTITY':
    case 'KEY_VAULT_CERTIFICATE':
      return stored;
  }
}
