import { setImmediate } from 'node:timers/promises';
import { VAULT_UID } from '../../keyring/keyring.ts';
import { corruptCause, dekVersionOf } from '../../keyring/sealed_record.ts';
import type { Database, Step } from '../database_interface.ts';
import { versionBytes } from '../rows/seal_versions.ts';
import { nameOf, type SealedRow, type SealedTable, tablesOf, valuesIn } from '../rows/sealed_tables.ts';
import type { TenantKeys } from '../rows/tenant_data_keys.ts';
import type { DamagedSeal, ResealPosition, RotatingTenant } from '../tenant_key_store_interface.ts';
import {
  createResealWalks,
  LAST_ID,
  type ResealStatements,
  type ResealWalk,
  valuesToSave,
} from './tenant_key_reseal_statements.ts';

const ROWS_A_TURN = 5;
const START: ResealPosition = { walk: 0, after: '' };
/** Connections or apps of a range that is searched for values of earlier versions. */
const SEARCHED_AT_ONCE = 200;

/** What a commit seals again. */
interface Resealed {
  readonly steps: Step[];
  readonly damaged: DamagedSeal[];
  values: number;
  /** Undefined: there are no more. */
  next: ResealPosition | undefined;
}

/** Seals the values of a tenant again, in ranges of its connections and apps. */
export function createResealing({ database, keys }: { readonly database: Database; readonly keys: TenantKeys }) {
  const { keyring } = keys;
  const ofTenant = createResealWalks(database, tablesOf(database.tables, ''));
  const ofVault = createResealWalks(database, tablesOf(database.tables, VAULT_UID));
  const walksOf = (tenantUid: string) => (tenantUid === VAULT_UID ? ofVault : ofTenant);

  function pendingIn(one: ResealStatements, { tenantUid, version }: RotatingTenant, from: string, to = LAST_ID) {
    return one.pending.all({ tenantUid, versionBytes: versionBytes(version), from, to });
  }

  /** Adds all rows of a range, whose end it returns. */
  async function sealRange(
    { tables, endOfRange }: ResealWalk,
    tenant: RotatingTenant,
    from: string,
    limit: number,
    resealed: Resealed,
  ): Promise<string | undefined> {
    const end = await endOfRange(tenant.tenantUid, from, limit);
    for (const one of tables) {
      for (const row of await pendingIn(one, tenant, from, end)) {
        const after = await sealRow(one.sealed, row, tenant, resealed.damaged);
        const values = Object.keys(after).length;
        if (values === 0) continue;
        resealed.values += values;
        resealed.steps.push(one.save.step(valuesToSave(one.sealed, row, after)));
        // Sealing all rows at once would block the event loop.
        if (resealed.steps.length % ROWS_A_TURN === 0) await setImmediate();
      }
    }
    return end;
  }

  /** The values of earlier versions, sealed again, by their property. */
  async function sealRow(
    sealed: SealedTable,
    row: SealedRow,
    { tenantUid, version }: RotatingTenant,
    damaged: DamagedSeal[],
  ): Promise<Readonly<Record<string, Buffer>>> {
    const after: Record<string, Buffer> = {};
    for (const { column, property, place, bytes } of valuesIn(sealed, row)) {
      if ((dekVersionOf(bytes) ?? 0) >= version) continue;
      try {
        // Another replica may have added the new data key a moment ago.
        await keys.readyVersion(tenantUid, version);
        await keys.ready(tenantUid, bytes);
        const plaintext = keyring.open(place, bytes);
        after[property] = keyring.seal(place, plaintext);
        plaintext.fill(0);
      } catch (error) {
        if (corruptCause(error) === undefined) throw error;
        damaged.push({ table: nameOf(sealed), column: column.name, uid: place.recordUid });
      }
    }
    return after;
  }

  return {
    /** For one commit: about `limit` connections and apps. */
    async sealAgain(tenant: RotatingTenant, from: ResealPosition = START, limit: number): Promise<Resealed> {
      const walks = walksOf(tenant.tenantUid);
      const resealed: Resealed = { steps: [], damaged: [], values: 0, next: from };
      // The end of one walk and the start of the next one share the commit.
      do {
        const { walk, after } = resealed.next ?? START;
        const end: string | undefined = walks[walk] && (await sealRange(walks[walk], tenant, after, limit, resealed));
        resealed.next = nextPosition(walk, end, walks.length);
      } while (resealed.next?.after === START.after);
      return resealed;
    },
    /** Whether no value is of an earlier version. In parts: in one statement it would block the event loop of SQLite. */
    async hasNothingOlder(tenant: RotatingTenant): Promise<boolean> {
      for (const { tables, endOfRange } of walksOf(tenant.tenantUid)) {
        for (let from: string | undefined = ''; from !== undefined; ) {
          const end: string | undefined = await endOfRange(tenant.tenantUid, from, SEARCHED_AT_ONCE);
          for (const one of tables) {
            if ((await pendingIn(one, tenant, from, end)).length > 0) return false;
          }
          from = end;
          await setImmediate();
        }
      }
      return true;
    },
  };
}

function nextPosition(walk: number, end: string | undefined, walks: number): ResealPosition | undefined {
  if (end !== undefined) return { walk, after: end };
  return walk + 1 < walks ? { walk: walk + 1, after: START.after } : undefined;
}
