import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Clock, type Duration, MINUTE } from '../model/clock.ts';
import type { DataKeyPosition } from '../store/root_key_store_interface.ts';
import type { Stores } from '../store/store_interfaces.ts';
import type { KeyOwner } from '../store/tenant_key_store_interface.ts';
import { type RotationJobParts, startRotationJob } from './key_rotation_job.ts';
import { ownerInLog } from './owner_in_log.ts';

export const LEASE_NAME = 'root_key_rotation';

/** A batch is one commit, in which no tenant can be registered. It takes about 10 ms. */
const BATCH = 100;
const LOGGED_EVERY = 1_000;
/** After a pass that left damaged data keys behind. */
const PAUSE: Duration = MINUTE;

export interface RewrappingParts extends RotationJobParts {
  readonly stores: Pick<Stores, 'rootKeys' | 'tenantKeys' | 'leases'>;
  readonly clock: Clock;
  readonly metrics: {
    /** Data keys that this process has still to wrap. */
    pending(count: number): void;
    rewrapped(count: number): void;
  };
}

export type Rewrapping = ReturnType<typeof startRewrapping>;

/** Wraps all data keys under the active root key, and then retires the other root keys. */
export function startRewrapping(parts: RewrappingParts) {
  const { clock, log, metrics } = parts;
  const { rootKeys, tenantKeys } = parts.stores;
  let pauseEnd = 0;
  const reported = new Set<string>();

  /** False: it stopped early. */
  async function rewrapAll(rootKeyId: string, mayContinue: () => Promise<boolean>): Promise<boolean> {
    const counts = await rootKeys.countDataKeys();
    let pending = counts.reduce((sum, one) => sum + (one.rootKeyId === rootKeyId ? 0 : one.dataKeys), 0);
    let done = 0;
    metrics.pending(pending);
    log.event('info', 'root_key_rewrapping', { rootKeyId, pending });
    for (let last: DataKeyPosition | undefined; ; ) {
      if (!(await mayContinue())) return false;
      const batch = await rootKeys.rewrap(last, BATCH);
      metrics.rewrapped(batch.rewrapped);
      pending = Math.max(0, pending - batch.rewrapped);
      metrics.pending(pending);
      const before = done;
      done += batch.rewrapped;
      if (Math.floor(done / LOGGED_EVERY) > Math.floor(before / LOGGED_EVERY)) {
        log.event('info', 'root_key_rewrapping', { rootKeyId, pending });
      }
      batch.damaged.forEach(reportDamage);
      last = batch.last;
      if (last === undefined) return true;
      await nextTurn();
    }
  }

  function reportDamage({ version, ...owner }: DataKeyPosition & KeyOwner): void {
    const name = `${owner.tenantUid} ${version}`;
    if (reported.has(name)) return;
    reported.add(name);
    log.event('error', 'data_key_damaged', { ...ownerInLog(owner, tenantKeys.vault), version });
  }

  return startRotationJob(parts, {
    leaseName: LEASE_NAME,
    async rotate(mayContinue) {
      const { active, retiring } = await rootKeys.read();
      if (retiring.length === 0) pauseEnd = 0;
      if (retiring.length === 0 || performance.now() < pauseEnd || !(await mayContinue())) return;
      if (!(await rewrapAll(active.id, mayContinue))) return;
      const retired = await rootKeys.retire(clock.now());
      if (retired === undefined) pauseEnd = performance.now() + PAUSE;
      for (const { id } of retired ?? []) log.event('info', 'root_key_retired', { rootKeyId: id, activeId: active.id });
    },
    onIdle: () => metrics.pending(0),
  });
}
