import { DAY, type Timestamp } from '../../src/model/clock.ts';
import type { Account, Connection } from '../../src/model/connection.ts';
import type { App } from '../../src/model/entra_app.ts';
import type { Tenant } from '../../src/model/tenant.ts';
import { ACME_CLIENT_ID, CONTOSO } from '../../src/sandbox/state/seed_data.ts';
import type { CorrelatedFailureDetector } from '../../src/tokens/correlated_failure_detector.ts';
import type { TokenMetrics } from '../../src/tokens/token_metrics_interface.ts';
import { GRAPH, sampleApp, sampleConnection, sampleTenant } from '../conformance/sample_rows.ts';

/** The tenant `acme`. */
export function newTenant(now: Timestamp): Tenant {
  return sampleTenant('acme', { labels: {}, createTime: now, updateTime: now });
}

/** Its app `default`. */
export function newApp(tenant: Tenant, now: Timestamp): App {
  return sampleApp(tenant, 'default', {
    clientId: ACME_CLIENT_ID,
    cloud: 'CUSTOM',
    signInAudience: 'common',
    implicitPermissions: [],
    createTime: now,
    updateTime: now,
  });
}

export const ADA: Account = {
  directoryId: CONTOSO,
  objectId: 'ada0ada0-0000-4000-8000-000000000001',
  username: 'ada@contoso.example',
  displayName: undefined,
  email: undefined,
};

/** Of Ada, verified, with two permissions of Graph. */
export function newConnection(tenant: Tenant, app: App, connectionId: string, now: Timestamp): Connection {
  return sampleConnection(tenant, app, connectionId, {
    account: ADA,
    productScopes: ['Mail.ReadOnly', 'Calendar.ReadOnly'],
    granted: { [GRAPH]: ['Calendars.Read', 'Mail.Read'] },
    verifyTime: now,
    lastRefreshTime: now,
    keepAliveTime: now + 30 * DAY,
    createTime: now,
    updateTime: now,
  });
}

/** Sleeps return at once, and `tick` runs the periodic tasks. */
export function createManualTimers() {
  const tasks = new Set<() => void>();
  return {
    sleep: () => new Promise<void>((resolve) => setTimeout(resolve, 2)),
    every(_period: number, task: () => void) {
      tasks.add(task);
      return () => tasks.delete(task);
    },
    tick() {
      for (const task of [...tasks]) task();
    },
  };
}

/** Number of calls by `name` or `name/first argument`; gauges have their value. */
export function createCountingMetrics() {
  const counts = new Map<string, number>();
  const count = (key: string) => void counts.set(key, (counts.get(key) ?? 0) + 1);
  let deferred: Parameters<TokenMetrics['observeDeferred']>[0] = () => [];
  const metrics: TokenMetrics = {
    served: (source) => count(`served/${source}`),
    exchange: (outcome) => count(`exchange/${outcome}`),
    exchangeDuration() {},
    leaseLost: () => count('leaseLost'),
    fenced: () => count('fenced'),
    recordRetried: () => count('recordRetried'),
    refreshLag: () => count('refreshLag'),
    refreshAheadFailed: (reason) => count(`refreshAheadFailed/${reason}`),
    keptAlive: (outcome) => count(`keptAlive/${outcome}`),
    nearIdleExpiry: (number) => count(`nearIdleExpiry/${number}`),
    observeDeferred(read) {
      deferred = read;
    },
    alert: (topic) => count(`alert/${topic}`),
  };
  return Object.assign(metrics, { counts, deferred: () => deferred() });
}

/** Connections whose state change is deferred, of all apps. */
export function deferredCount({ deferredByApp }: Pick<CorrelatedFailureDetector, 'deferredByApp'>): number {
  return deferredByApp().reduce((sum, { count }) => sum + count, 0);
}
