import { and, eq, getTableColumns, gt, isNull, lt, or, sql } from 'drizzle-orm';
import type { AdminConsent } from '../../model/admin_consent_request.ts';
import { VaultError } from '../../model/errors.ts';
import { placeholder, placeholders } from '../database_interface.ts';
import { deleteUpTo } from '../rows/delete_up_to.ts';
import { withoutNulls } from '../rows/nulls.ts';
import type { StoreParts } from '../rows/store_parts.ts';
import type { AdminConsentStore } from '../store_interfaces.ts';
import type { Row } from '../table_definitions.ts';

/** Everyone who has the link can press its button, and each press may lead to requests to Entra. */
const MOST_PRESSES = 100;

/** Nothing in these rows is secret or personal: of handle and state only the hashes are stored, and the administrator is not known. */
export function createAdminConsentStore({ database, keys, changes }: StoreParts): AdminConsentStore {
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
  const hasExpired = and(
    lt(adminConsents.expireTime, all.expireTime),
    or(isNull(adminConsents.stateExpireTime), lt(adminConsents.stateExpireTime, all.expireTime)),
  );
  const sweep = database.write(
    'adminConsents.sweep',
    deleteUpTo(sql.placeholder('limit'), { table: adminConsents, key: adminConsents.uid, where: hasExpired }),
  );

  return {
    async start(consent, handleHash, state) {
      // A foreign key does not say whether tenant or app is missing; a deleted tenant has no keys.
      await keys.ready(consent.tenantUid);
      const { stateHash, expireTime: stateExpireTime } = state ?? { stateHash: undefined, expireTime: undefined };
      await insert.run({ ...consent, handleHash, stateHash, presses: 0, stateExpireTime, stateUsedTime: null });
    },
    async findByHandle(handleHash) {
      const row = await findByHandle.first({ handleHash });
      return row && toAdminConsent(row);
    },
    async renewState(uid, { stateHash, expireTime }) {
      if ((await renewState.run({ uid, stateHash, stateExpireTime: expireTime })) > 0) return;
      const isWorn = (await findOpen.first({ uid })) !== undefined;
      throw isWorn
        ? new VaultError('RATE_LIMITED', 'The link was used too often. Start a new admin consent.')
        : new VaultError('STATE_INVALID', 'The admin consent is over. Start a new one.');
    },
    async useState(stateHash, now) {
      const fresh = await useState.first({ stateHash, now });
      const row = fresh ?? (await findByState.first({ stateHash }));
      // A state that expired without being used is unknown.
      if (row?.stateUsedTime == null) return { kind: 'unknown' };
      const kind = fresh !== undefined && row.state === 'OPEN' ? 'fresh' : 'used';
      return { kind, consent: toAdminConsent(row) };
    },
    async grant({ uid, appUid }) {
      await changes.commit({ kind: 'app', uid: appUid }, grant.step({ uid }));
    },
    sweep: (time, limit) => sweep.run({ expireTime: time, limit }),
  };
}

function toAdminConsent(row: Row<'adminConsents'>): AdminConsent {
  const { handleHash, stateHash, presses, stateExpireTime, stateUsedTime, ...consent } = withoutNulls(row);
  return consent;
}
