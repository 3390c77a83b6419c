import type { AppIds } from '../model/entra_app.ts';

/** Of each metric about single apps. */
export const MOST_APP_SERIES = 1_000;

interface OneSeries<Value> {
  readonly app: AppIds;
  readonly label: string;
  value: Value;
}

export type AppSeries<Value> = ReturnType<typeof createAppSeries<Value>>;

/**
 * Values by app and one more label, at most `most`. A tenant with few of them displaces those of the tenant with the most, so that
 * no tenant can use them up. Apart from that, those that are known stay, so that alerts do not come and go.
 */
export function createAppSeries<Value>(most = MOST_APP_SERIES) {
  const byTenant = new Map<string, Map<string, OneSeries<Value>>>();
  let size = 0;

  function remove(tenantId: string, own: Map<string, unknown>, key: string): void {
    own.delete(key);
    size -= 1;
    if (own.size === 0) byTenant.delete(tenantId);
  }

  /** False: the tenant has about as many as any other. */
  function makeRoom(ownSize: number): boolean {
    let largest: [string, Map<string, unknown>] | undefined;
    for (const one of byTenant) if (largest === undefined || one[1].size > largest[1].size) largest = one;
    if (largest === undefined || largest[1].size <= ownSize + 1) return false;
    const [tenantId, series] = largest;
    const newest = [...series.keys()].at(-1);
    if (newest !== undefined) remove(tenantId, series, newest);
    return true;
  }

  return {
    /** False: it, or another one, had to be left out. */
    set(app: AppIds, label: string, value: Value): boolean {
      const own = byTenant.get(app.tenantId) ?? new Map<string, OneSeries<Value>>();
      const key = `${app.appId} ${label}`;
      const known = own.get(key);
      if (known !== undefined) {
        known.value = value;
        return true;
      }
      const isFull = size >= most;
      if (isFull && !makeRoom(own.size)) return false;
      byTenant.set(app.tenantId, own.set(key, { app, label, value }));
      size += 1;
      return !isFull;
    },
    removeWhere(isOver: (value: Value) => boolean): void {
      for (const [tenantId, own] of byTenant)
        for (const [key, { value }] of own) if (isOver(value)) remove(tenantId, own, key);
    },
    all: (): readonly OneSeries<Value>[] => [...byTenant.values()].flatMap((own) => [...own.values()]),
    get isFull() {
      return size >= most;
    },
  };
}
