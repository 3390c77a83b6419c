import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Duration, MINUTE } from '../model/clock.ts';
import { isVaultError } from '../model/errors.ts';
import type { Stores } from '../store/store_interfaces.ts';
import type { DamagedSeal, ResealPosition, RotatingTenant } from '../store/tenant_key_store_interface.ts';
import { type RotationJobParts, startRotationJob } from './key_rotation_job.ts';

export const LEASE_NAME = 'tenant_key_rotation';

/** Rows of a commit, which take about 20 ms. Refreshes of these connections wait for it. */
const BATCH = 50;
const TENANTS_A_PAGE = 100;
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
  const reported = new Set<string>();
  const pauseEnds = new Map<string, number>();

  async function rotateTenant(
    tenant: RotatingTenant,
    mayContinue: () => Promise<boolean>,
  ): Promise<'retired' | 'stuck' | 'stopped'> {
    const damaged: DamagedSeal[] = [];
    for (let from: ResealPosition | undefined, isFirst = true; isFirst || from !== undefined; isFirst = false) {
      if (!(await mayContinue())) return 'stopped';
      const batch = await tenantKeys.reseal(tenant, from, BATCH);
      metrics.resealed(batch.resealed);
      damaged.push(...batch.damaged);
      from = batch.next;
      await nextTurn();
    }
    if (await tenantKeys.retire(tenant)) return 'retired';
    for (const one of damaged) reportDamage(one);
    return 'stuck';
  }

  /** One tenant must not stop the others. */
  async function tryTenant(tenant: RotatingTenant, mayContinue: () => Promise<boolean>) {
    const { tenantUid, version } = tenant;
    try {
      return await rotateTenant(tenant, mayContinue);
    } catch (error) {
      if (isVaultError(error, 'TENANT_NOT_FOUND')) return 'retired';
      if (!isVaultError(error, 'RECORD_CORRUPT')) throw error;
      reportOnce(`${tenantUid} ${version}`, () => log.event('error', 'data_key_damaged', { tenantUid, version }));
      return 'stuck';
    }
  }

  function reportDamage({ table, column, uid }: DamagedSeal): void {
    reportOnce(`${table} ${column} ${uid}`, () => log.event('error', 'sealed_value_damaged', { table, column, uid }));
  }

  function reportOnce(name: string, report: () => void): void {
    if (reported.has(name)) return;
    reported.add(name);
    report();
  }

  return startRotationJob(parts, {
    leaseName: LEASE_NAME,
    async rotate(mayContinue) {
      let pending = await tenantKeys.countRotating();
      if (pending === 0) return metrics.pending(0);
      if (!(await mayContinue())) return;
      let retired = 0;
      for (let after: string | undefined = ''; after !== undefined; ) {
        const page: readonly RotatingTenant[] = await tenantKeys.listRotating(after, TENANTS_A_PAGE);
        for (const tenant of page) {
          metrics.pending(pending);
          const { tenantUid, version } = tenant;
          if (performance.now() < (pauseEnds.get(tenantUid) ?? 0)) continue;
          const outcome = await tryTenant(tenant, mayContinue);
          if (outcome === 'stopped') return;
          if (outcome === 'stuck') {
            pauseEnds.set(tenantUid, performance.now() + PAUSE);
            continue;
          }
          pauseEnds.delete(tenantUid);
          pending -= 1;
          retired += 1;
          log.event('info', 'tenant_key_retired', { tenantUid, version });
        }
        after = page.length < TENANTS_A_PAGE ? undefined : page.at(-1)?.tenantUid;
      }
      metrics.pending(pending);
      // Data keys that were deleted are still in the log of the database.
      if (retired > 0) await tenantKeys.shred();
    },
    onIdle: () => metrics.pending(0),
  });
}
