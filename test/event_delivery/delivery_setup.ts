import { onTestFinished } from 'vitest';
import { type Deliveries, startDeliveries } from '../../src/event_delivery/start_event_delivery.ts';
import { HOUR } from '../../src/model/clock.ts';
import type { Sink } from '../../src/model/event_sink.ts';
import { newUid } from '../../src/model/id_patterns.ts';
import { Secret } from '../../src/model/secret.ts';
import type { VaultEvent } from '../../src/model/vault_event.ts';
import type { Stores } from '../../src/store/store_interfaces.ts';
import type { Log } from '../../src/telemetry/log_events.ts';
import { openTestStores } from '../store/open_test_stores.ts';

export const SECRET = `whsec_${Buffer.from('canary-signing-secret-of-32-bytes').toString('base64')}`;

/** An outbox and deliveries over a real store; a test calls `runOnce` itself. */
export async function openDeliveries() {
  const clock = { time: Date.UTC(2026, 10, 22), now: () => clock.time };
  const stores: Stores = await openTestStores({ clock });
  const logged: { level: string; name: string; fields: unknown }[] = [];
  const log: Log = { event: (level, name, fields) => void logged.push({ level, name, fields }) };
  const counted: string[] = [];
  const metrics = {
    started() {},
    delivered: (sink: string) => void counted.push(`${sink} delivered`),
    failed: (sink: string, error: string) => void counted.push(`${sink} failed ${error}`),
    deadLettered: (sink: string) => void counted.push(`${sink} dead-lettered`),
  };
  const started: Deliveries[] = [];
  onTestFinished(async () => {
    await Promise.all(started.map((one) => one.close()));
    await stores.close();
  });
  return {
    stores,
    clock,
    logged,
    counted,
    /** Everything that is visible outside. */
    shown: () => JSON.stringify([logged, counted]),
    start(sinks: readonly Sink[] | (() => readonly Sink[]), replica = 'replica-1'): Deliveries {
      const source = 'https://vault.example';
      const one = startDeliveries({
        stores,
        sinks: typeof sinks === 'function' ? sinks : () => sinks,
        clock,
        log,
        metrics,
        source,
        replica,
        interval: HOUR,
        shutdownTimeout: 100,
      });
      started.push(one);
      return one;
    },
    async publish(change: Partial<VaultEvent> = {}): Promise<VaultEvent> {
      const event = { ...expiring(), time: clock.now(), ...change } as VaultEvent;
      if (!(await stores.expiry.publish(event))) throw new Error('already published');
      return event;
    },
    counts: async () =>
      Object.fromEntries(
        (await stores.deliveries.counts()).map(({ sinkId, state, count }) => [`${sinkId} ${state}`, count]),
      ),
  };
}

export function sinkTo(url: string, change: Partial<Sink> = {}): Sink {
  return {
    id: 'pager',
    url,
    secrets: [new Secret(SECRET)],
    types: ['credential.', 'app.state_changed', 'vault.'],
    tenants: ['*'],
    minSeverity: 'INFO',
    ...change,
  };
}

export function expiring(): VaultEvent {
  return {
    uid: newUid(),
    dedupeKey: undefined,
    severity: 'WARNING',
    tenantUid: 'uid-of-acme',
    tenantId: 'acme',
    subject: 'tenants/acme/apps/default/credentials/first',
    time: 0,
    type: 'credential.expiring',
    data: {
      app: 'tenants/acme/apps/default',
      clientId: '11111111-2222-4333-8444-555555555555',
      kind: 'CLIENT_SECRET',
      hint: 'abc',
      expireTime: Date.UTC(2026, 11, 1),
      thresholdDays: 14,
      covered: false,
    },
  };
}
