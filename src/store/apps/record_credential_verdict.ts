import { and, asc, eq, sql } from 'drizzle-orm';
import { credentialState } from '../../model/app_credential.ts';
import { credentialRejected, fallbackOf } from '../../model/credential_rejected_event.ts';
import { placeholder, placeholders } from '../database_interface.ts';
import type { StoreParts } from '../rows/store_parts.ts';
import type { AppStore } from '../store_interfaces.ts';
import { appColumns } from './app_rows.ts';
import { type CredentialRows, openColumns, toCredential } from './credential_rows.ts';

/** What Entra answered when it was presented with a credential. */
export function createProbeResults(
  { database, outbox, changes }: StoreParts,
  credentialRows: CredentialRows,
): Pick<AppStore, 'recordVerdict' | 'prefer'> {
  const { credentials, apps } = database.tables;
  const open = openColumns(credentials);
  const { uid, verdict, entraError, lastUsedTime } = placeholders(open);
  const fallbackUid = placeholder(credentials.uid, 'fallbackUid');

  const record = database.write('credentials.verdict', (db) =>
    db.update(credentials).set({ verdict, entraError, lastUsedTime }).where(eq(credentials.uid, uid)),
  );
  const findOne = database.rows('credentials.find', (db) =>
    db
      .select({ appUid: credentials.appUid, verdict: credentials.verdict })
      .from(credentials)
      .where(eq(credentials.uid, uid)),
  );
  const ofItsApp = database.rows('credentials.ofItsApp', (db) =>
    db
      .select({ credential: open, app: appColumns(apps) })
      .from(credentials)
      .innerJoin(apps, eq(apps.uid, credentials.appUid))
      .where(sql`${credentials.appUid} = (SELECT one.app_uid FROM credentials AS one WHERE one.uid = ${uid})`)
      .orderBy(asc(credentials.position)),
  );
  /** Changes nothing. Makes concurrent verdicts about credentials of one app wait for each other. */
  const lock = database.write('apps.lock', (db) =>
    db
      .update(apps)
      .set({ version: sql`${apps.version}` })
      .where(eq(apps.uid, placeholder(apps.uid, 'appUid'))),
  );
  // The fallback must still be usable: if both are rejected at once, the second event reports that none is left.
  const reject = database.write('credentials.reject', (db) =>
    db
      .update(credentials)
      .set({ verdict: 'REJECTED', entraError, lastUsedTime })
      .where(
        and(
          eq(credentials.uid, uid),
          eq(credentials.verdict, placeholder(credentials.verdict, 'previousVerdict')),
          sql`(${fallbackUid} = '' OR EXISTS (
            SELECT 1 FROM credentials AS fallback WHERE fallback.uid = ${fallbackUid} AND fallback.verdict <> 'REJECTED'))`,
        ),
      ),
  );

  return {
    async recordVerdict(uid, verdict, entraError, time) {
      const said = { uid, entraError, lastUsedTime: time };
      if (verdict !== 'REJECTED') {
        const known = await findOne.first({ uid });
        if (known === undefined) return;
        // Most of them record that the credential is still used, which others need not know.
        const change = known.verdict === verdict ? undefined : ({ kind: 'app', uid: known.appUid } as const);
        await changes.commit(change, record.step({ ...said, verdict }));
        return;
      }
      // The verdict may change between read and write: then repeat.
      for (;;) {
        const rows = (await ofItsApp.all({ uid })).map(({ credential, app }) => ({
          app,
          credential: toCredential(credential),
        }));
        const own = rows.find(({ credential }) => credential.uid === uid);
        if (own === undefined) return;
        // The expiry of an expired credential was already reported; its rejection adds nothing.
        const isNew = own.credential.verdict !== 'REJECTED';
        const isUnreported = isNew && credentialState(own.credential, time) !== 'EXPIRED';
        const all = rows.map(({ credential }) => credential);
        const fallback = isUnreported ? fallbackOf(own.credential, all, time) : undefined;
        const { committed } = await changes.commit(
          isNew ? { kind: 'app', uid: own.app.uid } : undefined,
          lock.step({ appUid: own.app.uid }),
          reject.step({ ...said, previousVerdict: own.credential.verdict, fallbackUid: fallback?.uid ?? '' }, 1),
          ...(isUnreported
            ? outbox.publish(credentialRejected(own.app, own.credential, fallback, entraError, time))
            : []),
        );
        if (committed) return;
      }
    },
    async prefer(credentialUid, time) {
      const known = await findOne.first({ uid: credentialUid });
      if (known === undefined) return;
      await changes.commit({ kind: 'app', uid: known.appUid }, credentialRows.prefer(credentialUid, time));
    },
  };
}
