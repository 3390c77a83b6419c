import { createBoundedCache } from '../model/bounded_cache.ts';
import { type Duration, SECOND } from '../model/clock.ts';
import type { Timers } from '../model/monotonic_timers.ts';
import type { Changes } from '../model/resource_change_announcements.ts';
import {
  type AccessLabels,
  accessLabelsOf,
  hasLabels,
  labelsText,
  NO_LABELS,
  type TenantLabels,
} from '../model/tenant_labels.ts';
import type { LabelledTenant, TenantStore } from '../store/store_interfaces.ts';

export interface FollowedTenantLabels extends TenantLabels {
  /** Calls `listener` after labels changed, or became unknown. Returns the function that stops it. */
  listen(listener: () => void): () => void;
  close(): void;
}

export interface TenantLabelsParts {
  readonly stores: { readonly tenants: Pick<TenantStore, 'withAccessLabels'> };
  readonly changes: Pick<Changes, 'listen'>;
  /** `stale`: changes have not arrived for longer than the operator allows. */
  readonly feed: { readonly stale: boolean } | undefined;
  readonly sleep: Timers['sleep'];
}

interface Known {
  readonly uid: string;
  readonly labels: AccessLabels;
}

const RETRY: Duration = SECOND / 2;

/**
 * The access labels of all tenants that have some, in memory. A tenant that changed is read again. If that fails, no
 * labels are known until all could be read, so that no call is allowed by a label that was removed.
 */
export async function followTenantLabels(parts: TenantLabelsParts): Promise<FollowedTenantLabels> {
  const { stores, feed, sleep } = parts;
  const listeners = new Set<() => void>();
  const shared = createBoundedCache<string, AccessLabels>(10_000);
  let byId = new Map<string, Known>();
  const idOf = new Map<string, string>();
  /** The last read of each tenant that is being read; an earlier one is out of date. */
  const reads = new Map<string, object>();
  /** Tenants that changed during a read of all. */
  let changedMeanwhile = new Set<string>();
  let isKnown = true;
  let isClosed = false;

  function put({ uid, tenantId, labels: all }: LabelledTenant): void {
    const labels = accessLabelsOf(all);
    const text = labelsText(labels);
    const known = shared.get(text) ?? labels;
    shared.set(text, known);
    byId.set(tenantId, { uid, labels: known });
    idOf.set(uid, tenantId);
  }

  function remove(uid: string): void {
    const tenantId = idOf.get(uid);
    idOf.delete(uid);
    // Another tenant may have its id now.
    if (tenantId !== undefined && byId.get(tenantId)?.uid === uid) byId.delete(tenantId);
  }

  function notify(): void {
    for (const listener of listeners) listener();
  }

  async function load(): Promise<void> {
    const changed = new Set<string>();
    changedMeanwhile = changed;
    const rows = await stores.tenants.withAccessLabels();
    byId = new Map();
    idOf.clear();
    for (const row of rows) put(row);
    isKnown = true;
    notify();
    for (const uid of changed) void read(uid);
  }

  async function loadAgain(): Promise<void> {
    if (!isKnown) return;
    isKnown = false;
    notify();
    while (!isKnown && !isClosed) await load().catch(() => sleep(RETRY));
  }

  async function read(uid: string): Promise<void> {
    changedMeanwhile.add(uid);
    const thisRead = {};
    reads.set(uid, thisRead);
    try {
      const [row] = await stores.tenants.withAccessLabels(uid);
      // A later change of the tenant has a read of its own.
      if (reads.get(uid) !== thisRead) return;
      reads.delete(uid);
      if (row === undefined && !idOf.has(uid)) return;
      remove(uid);
      if (row !== undefined) put(row);
      notify();
    } catch {
      reads.delete(uid);
      await loadAgain();
    }
  }

  const stop = parts.changes.listen(
    ({ kind, uid }) => {
      if (kind === 'tenant') void read(uid);
    },
    () => void loadAgain(),
  );
  await load();

  return {
    of(tenantId) {
      if (!isKnown || feed?.stale) return undefined;
      return byId.get(tenantId)?.labels ?? NO_LABELS;
    },
    select(selector) {
      if (!isKnown || feed?.stale) return [];
      const found = [...byId].filter(([, { labels }]) => hasLabels(labels, selector));
      return found.map(([tenantId]) => tenantId);
    },
    listen(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close() {
      isClosed = true;
      stop();
    },
  };
}
