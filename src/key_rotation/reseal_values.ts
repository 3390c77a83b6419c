import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Duration, MINUTE } from '../model/clock.ts';
import { isVaultError } from '../model/errors.ts';
import { waitForAll } from '../model/wait_for_all.ts';
import type { Stores } from '../store/store_interfaces.ts';
import type { DamagedSeal, ResealPosition, RotatingTenant } from '../store/tenant_key_store_interface.ts';
import { type RotationJobParts, startRotationJob } from './key_rotation_job.ts';
import { ownerInLog } from './owner_in_log.ts';

export const LEASE_NAME = 'tenant_key_rotation';

/** Connections of a commit, with the rows that they have. Refreshes of these connections wait for it. */
const BATCH = 25;
/** Rotations at once wait for the disk together. Each needs a connection to the database at times, of which calls need most. */
const TENANTS_AT_ONCE = 4;
const TENANTS_A_PAGE = 100;
/** A refresh that changes a row between its reading and the commit leaves the other values of the row to the next attempt. */
const MOST_ATTEMPTS = 3;
/** Until a tenant with damaged values is tried again. */
const PAUSE: Duration = MINUTE;

export interface ResealingParts extends RotationJobParts {
  readonly stores: Pick<Stores, 'tenantKeys' | 'leases'>;
  readonly metrics: {
    /** Tenants with values that this process has still to seal. */
    pending(tenants: number): void;
    resealed(values: number): void;
  };
}

export type Resealing = ReturnType<typeof startResealing>;

/** Seals the values of tenants with several data keys under the newest one, and then deletes the others. */
export function startResealing(parts: ResealingParts) {
  const { log, metrics } = parts;
  const { tenantKeys } = parts.stores;
  const inLog = (tenant: RotatingTenant) => ownerInLog(tenant, tenantKeys.vault);
  const reported = new Set<string>();
  const pauseEnds = new Map<string, number>();

  async function rotateTenant(
    tenant: RotatingTenant,
    mayContinue: () => Promise<boolean>,
  ): Promise<'retired' | 'stuck' | 'stopped'> {
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt += 1) {
      const damaged = await resealAll(tenant, mayContinue);
      if (damaged === undefined) return 'stopped';
      if (await tenantKeys.retire(tenant)) return 'retired';
      for (const one of damaged) reportDamage(tenant, one);
      if (damaged.length > 0) break;
    }
    return 'stuck';
  }

  /** Undefined: it stopped early. */
  async function resealAll(tenant: RotatingTenant, mayContinue: () => Promise<boolean>) {
    const damaged: DamagedSeal[] = [];
    for (let from: ResealPosition | undefined, isFirst = true; isFirst || from !== undefined; isFirst = false) {
      if (!(await mayContinue())) return undefined;
      const batch = await tenantKeys.reseal(tenant, from, BATCH);
      metrics.resealed(batch.resealed);
      damaged.push(...batch.damaged);
      from = batch.next;
      await nextTurn();
    }
    return damaged;
  }

  /** One tenant must not stop the others. */
  async function tryTenant(tenant: RotatingTenant, mayContinue: () => Promise<boolean>) {
    const { tenantUid, version } = tenant;
    try {
      return await rotateTenant(tenant, mayContinue);
    } catch (error) {
      if (isVaultError(error, 'TENANT_NOT_FOUND')) return 'retired';
      if (!isVaultError(error, 'RECORD_CORRUPT')) throw error;
      reportOnce(`${tenantUid} ${version}`, () =>
        log.event('error', 'data_key_damaged', { ...inLog(tenant), version }),
      );
      return 'stuck';
    }
  }

  function reportDamage(tenant: RotatingTenant, { table, column, uid }: DamagedSeal): void {
    const damage = { ...inLog(tenant), table, column, uid };
    reportOnce(`${table} ${column} ${uid}`, () => log.event('error', 'sealed_value_damaged', damage));
  }

  function reportOnce(name: string, report: () => void): void {
    if (reported.has(name)) return;
    reported.add(name);
    report();
  }

  async function* listRotating(): AsyncGenerator<RotatingTenant> {
    for (let after: string | undefined = ''; after !== undefined; ) {
      const page: readonly RotatingTenant[] = await tenantKeys.listRotating(after, TENANTS_A_PAGE);
      yield* page;
      after = page.length < TENANTS_A_PAGE ? undefined : page.at(-1)?.tenantUid;
    }
  }

  /** One of several concurrent loops over the same tenants. If one of them fails or stops, so do the others. */
  async function rotateFrom(
    tenants: AsyncIterable<RotatingTenant>,
    mayContinue: () => Promise<boolean>,
    onRetired: () => void,
  ): Promise<void> {
    for await (const tenant of tenants) {
      const { tenantUid, version } = tenant;
      if (performance.now() < (pauseEnds.get(tenantUid) ?? 0)) continue;
      const outcome = await tryTenant(tenant, mayContinue);
      if (outcome === 'stopped') return;
      if (outcome === 'stuck') {
        pauseEnds.set(tenantUid, performance.now() + PAUSE);
        continue;
      }
      pauseEnds.delete(tenantUid);
      // Data keys that were deleted are still in the log of the database.
      tenantKeys.shredSoon();
      log.event('info', 'tenant_key_retired', { ...inLog(tenant), version });
      onRetired();
    }
  }

  return startRotationJob(parts, {
    leaseName: LEASE_NAME,
    async rotate(mayContinue) {
      let pending = await tenantKeys.countRotating();
      if (pending === 0) return metrics.pending(0);
      if (!(await mayContinue())) return;
      metrics.pending(pending);
      const tenants = listRotating();
      const onRetired = () => {
        // Rotations that began meanwhile are not counted.
        pending = Math.max(0, pending - 1);
        metrics.pending(pending);
      };
      await waitForAll(Array.from({ length: TENANTS_AT_ONCE }, () => rotateFrom(tenants, mayContinue, onRetired)));
    },
    onIdle: () => metrics.pending(0),
  });
}
