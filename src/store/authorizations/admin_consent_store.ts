import { and, eq, getTableColumns, gt, inArray, isNull, lt, or, sql } from 'drizzle-orm';
import type { AdminConsent } from '../../model/admin_consent.ts';
import { VaultError } from '../../model/errors.ts';
import { type Database, placeholder, placeholders } from '../database.ts';
import type { TenantKeys } from '../rows/tenant_keys.ts';
import type { AdminConsentStore, MintedState } from '../stores.ts';
import type { Row } from '../tables.ts';

/** Whoever holds a link can press its button, and each answer to it may be asked of Entra. */
const MOST_PRESSES = 100;

interface AdminConsentStoreParts {
  database: Database;
  keys: TenantKeys;
}

/** Nothing in these rows is secret or personal: of handle and state only the hashes are stored, and who the administrator is is not known. */
export function createAdminConsentStore({ database, keys }: AdminConsentStoreParts): AdminConsentStore {
  const { adminConsents } = database.tables;
  const all = placeholders(getTableColumns(adminConsents));
  const isOpen = and(eq(adminConsents.uid, all.uid), eq(adminConsents.state, 'OPEN'));
  const now = placeholder(adminConsents.stateExpireTime, 'now');

  const insert = database.write('adminConsents.insert', (db) => db.insert(adminConsents).values(all), 'APP_NOT_FOUND');
  const findByHandle = database.rows('adminConsents.findByHandle', (db) =>
    db.select().from(adminConsents).where(eq(adminConsents.handleHash, all.handleHash)),
  );
  const findByState = database.rows('adminConsents.findByState', (db) =>
    db.select().from(adminConsents).where(eq(adminConsents.stateHash, all.stateHash)),
  );
  const renewState = database.write('adminConsents.renewState', (db) =>
    db
      .update(adminConsents)
      .set({
        stateHash: all.stateHash,
        stateExpireTime: all.stateExpireTime,
        stateUsedTime: null,
        presses: sql`${adminConsents.presses} + 1`,
      })
      .where(and(isOpen, lt(adminConsents.presses, MOST_PRESSES))),
  );
  const useState = database.rows('adminConsents.useState', (db) =>
    db
      .update(adminConsents)
      .set({ stateUsedTime: now })
      .where(
        and(
          eq(adminConsents.stateHash, all.stateHash),
          isNull(adminConsents.stateUsedTime),
          gt(adminConsents.stateExpireTime, now),
        ),
      )
      .returning(),
  );
  const findOpen = database.rows('adminConsents.findOpen', (db) =>
    db.select({ uid: adminConsents.uid }).from(adminConsents).where(isOpen),
  );
  const grant = database.write('adminConsents.grant', (db) =>
    db.update(adminConsents).set({ state: 'GRANTED' }).where(isOpen),
  );
  const sweep = database.write('adminConsents.sweep', (db) =>
    db.delete(adminConsents).where(
      inArray(
        adminConsents.uid,
        db
          .select({ uid: adminConsents.uid })
          .from(adminConsents)
          .where(
            and(
              lt(adminConsents.expireTime, all.expireTime),
              or(isNull(adminConsents.stateExpireTime), lt(adminConsents.stateExpireTime, all.expireTime)),
            ),
          )
          .limit(sql.placeholder('limit')),
      ),
    ),
  );

  return {
    async start(consent, handleHash, state) {
      // A foreign key does not say which of the two is gone; a tenant that is has no keys.
      await keys.ready(consent.tenantUid);
      await insert.run({ ...toRow(consent, handleHash, state) });
    },
    async findByHandle(handleHash) {
      const row = await findByHandle.first({ handleHash });
      return row && toAdminConsent(row);
    },
    async renewState(uid, { stateHash, expireTime }) {
      if ((await renewState.run({ uid, stateHash, stateExpireTime: expireTime })) > 0) return;
      const isWorn = (await findOpen.first({ uid })) !== undefined;
      throw isWorn
        ? new VaultError('RATE_LIMITED', 'The link was pressed too often. Start a new admin consent.')
        : new VaultError('STATE_INVALID', 'The admin consent is over. Start a new one.');
    },
    async useState(stateHash, now) {
      const fresh = await useState.first({ stateHash, now });
      const row = fresh ?? (await findByState.first({ stateHash }));
      // Expired without ever being used: no better than unknown.
      if (row?.stateUsedTime == null) return { kind: 'unknown' };
      const kind = fresh !== undefined && row.state === 'OPEN' ? 'fresh' : 'used';
      return { kind, consent: toAdminConsent(row) };
    },
    async grant(uid) {
      await grant.run({ uid });
    },
    sweep: (time, limit) => sweep.run({ expireTime: time, limit }),
  };
}

function toRow(consent: AdminConsent, handleHash: string, state: MintedState | undefined): Row<'adminConsents'> {
  return {
    ...consent,
    directoryId: consent.directoryId ?? null,
    returnUrl: consent.returnUrl ?? null,
    handleHash,
    stateHash: state?.stateHash ?? null,
    presses: 0,
    stateExpireTime: state?.expireTime ?? null,
    stateUsedTime: null,
  };
}

function toAdminConsent(row: Row<'adminConsents'>): AdminConsent {
  return {
    uid: row.uid,
    tenantUid: row.tenantUid,
    tenantId: row.tenantId,
    appUid: row.appUid,
    state: row.state,
    directoryId: row.directoryId ?? undefined,
    productScopes: row.productScopes,
    scopes: row.scopes,
    redirectUri: row.redirectUri,
    returnUrl: row.returnUrl ?? undefined,
    createTime: row.createTime,
    expireTime: row.expireTime,
  };
}
