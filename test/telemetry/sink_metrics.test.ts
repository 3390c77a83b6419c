import { expect, test } from 'vitest';
import { createMetrics } from '../../src/telemetry/vault_metrics.ts';

type Count = { sinkId: string; state: 'PENDING' | 'DEAD_LETTER'; count: number };

test('each configured sink has a value, and a removed sink while deliveries are pending', async () => {
  const metrics = createMetrics();
  const counts: Count[] = [
    { sinkId: 'ops', state: 'PENDING', count: 3 },
    { sinkId: 'removed', state: 'DEAD_LETTER', count: 2 },
  ];
  metrics.sinks.observe({ sinkIds: () => ['ops', 'quiet'], counts: async () => counts });
  metrics.sinks.started('quiet');

  const before = await metrics.text();
  counts.length = 0;
  const after = await metrics.text();

  expect(before).toContain('tokenvault_sink_deliveries_pending{sink="ops"} 3');
  expect(before).toContain('tokenvault_sink_deliveries_pending{sink="quiet"} 0');
  expect(before).toContain('tokenvault_sink_dead_letters{sink="ops"} 0');
  expect(before).toContain('tokenvault_sink_dead_letters{sink="removed"} 2');
  expect(before).toContain('tokenvault_sink_deliveries_total{sink="quiet",outcome="delivered"} 0');
  expect(after).toContain('tokenvault_sink_deliveries_pending{sink="ops"} 0');
  expect(after).not.toContain('removed');
});

test('during a database outage, the last values stay', async () => {
  const metrics = createMetrics();
  let away = false;
  metrics.sinks.observe({
    sinkIds: () => ['ops'],
    async counts() {
      if (away) throw new Error('the database is away');
      return [{ sinkId: 'ops', state: 'DEAD_LETTER', count: 4 }];
    },
  });
  await metrics.text();
  away = true;
  expect(await metrics.text()).toContain('tokenvault_sink_dead_letters{sink="ops"} 4');
});

test('outcomes are few whatever a receiver answers', async () => {
  const metrics = createMetrics();
  metrics.sinks.delivered('ops');
  for (let status = 400; status < 600; status += 1) metrics.sinks.failed('ops', `HTTP ${status}`);
  metrics.sinks.failed('ops', 'timeout');
  metrics.sinks.deadLettered('ops');

  const lines = (await metrics.text()).match(/^tokenvault_sink_deliveries_total\{.*$/gm);

  expect(lines?.toSorted()).toEqual([
    'tokenvault_sink_deliveries_total{sink="ops",outcome="dead_lettered"} 1',
    'tokenvault_sink_deliveries_total{sink="ops",outcome="delivered"} 1',
    'tokenvault_sink_deliveries_total{sink="ops",outcome="http_4xx"} 100',
    'tokenvault_sink_deliveries_total{sink="ops",outcome="http_5xx"} 100',
    'tokenvault_sink_deliveries_total{sink="ops",outcome="timeout"} 1',
  ]);
});

test('a removed credential of the vault is removed from the metric', async () => {
  const metrics = createMetrics();
  metrics.expiry.vaultExpiries([{ kind: 'API_KEY', subject: 'vault/callers/mail/keys/k1', expireTime: 5_000 }]);
  expect(await metrics.text()).toContain(
    'tokenvault_vault_credential_expire_timestamp_seconds{kind="API_KEY",name="vault/callers/mail/keys/k1"} 5',
  );
  metrics.expiry.vaultExpiries([]);
  expect(await metrics.text()).not.toContain('keys/k1');
});
