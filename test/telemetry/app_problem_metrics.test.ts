import { expect, test } from 'vitest';
import { HOUR } from '../../src/model/clock.ts';
import { MOST_APP_SERIES } from '../../src/telemetry/app_series.ts';
import { createMetrics } from '../../src/telemetry/vault_metrics.ts';

const clock = { time: 1_800_000_000_000, now: () => clock.time };
const ACME = { tenantId: 'acme', appId: 'default' };
const ACME_LABELS = 'tenant="acme",app="default"';
const nothing = async () => ({ rows: [], total: 0 });

/** By the next scrape. */
async function limited(metrics: Metrics, metric: string): Promise<string | undefined> {
  const line = new RegExp(`^tokenvault_app_series_limited\\{metric="${metric}"\\} (\\d)$`, 'm');
  return line.exec(await metrics.text())?.[1];
}

test.each([
  ['credential_rejected', (metrics: Metrics) => metrics.entra.credentialRejected(ACME)],
  ['credential_fallback', (metrics: Metrics) => metrics.entra.credentialFellBack(ACME)],
  ['credential_unusable', (metrics: Metrics) => metrics.entra.credentialUnusable(ACME)],
  ['failing_in_directory', (metrics: Metrics) => metrics.entra.failsInDirectory(ACME, 'APP_MISCONFIGURED')],
  ['loop_detected', (metrics: Metrics) => metrics.tokens.alert('loop_detected', ACME)],
  ['credential_unknown', (metrics: Metrics) => metrics.expiry.published(event('credential.unknown'))],
  [
    'expiry_mismatch',
    (metrics: Metrics) => metrics.expiry.published(event('credential.expiry_mismatch', '/credentials/default')),
  ],
] as const)('%s names the app for an hour', async (problem, happen) => {
  const metrics = createMetrics(clock);
  const series = `tokenvault_app_recent_problems{${ACME_LABELS},problem="${problem}"} 1`;
  happen(metrics);
  clock.time += HOUR - 1;
  expect(await metrics.text()).toContain(series);

  clock.time += 1;

  expect(await metrics.text()).not.toContain(series);
});

test('a missing consent, and an event about no app, name no app', async () => {
  const metrics = createMetrics(clock);
  metrics.entra.failsInDirectory(ACME, 'ADMIN_CONSENT_REQUIRED');
  metrics.expiry.published(event('credential.expiring'));
  metrics.expiry.published({ type: 'credential.unknown', severity: 'WARNING', subject: 'vault/tls-certificate' });

  expect(await metrics.text()).not.toContain('tokenvault_app_recent_problems{');
});

test('one tenant cannot use up the series, and a full metric says so for an hour', async () => {
  const metrics = createMetrics(clock);
  for (let at = 0; at < 2 * MOST_APP_SERIES; at += 1)
    metrics.entra.credentialRejected({ tenantId: 'large', appId: `app-${at}` });
  metrics.entra.credentialRejected(ACME);

  const full = await metrics.text();

  expect(full.match(/^tokenvault_app_recent_problems\{/gm)).toHaveLength(MOST_APP_SERIES);
  expect(full).toContain(`tokenvault_app_recent_problems{${ACME_LABELS}`);
  expect(full).toContain(`tokenvault_credentials_rejected_total ${2 * MOST_APP_SERIES + 1}`);
  expect(await limited(metrics, 'tokenvault_app_recent_problems')).toBe('1');
  clock.time += HOUR;
  await metrics.text();
  expect(await limited(metrics, 'tokenvault_app_recent_problems')).toBe('0');
});

test('apps that fail, and rotations that do not proceed, are shown as the database has them', async () => {
  const metrics = createMetrics(clock);
  let failing = [{ ...ACME, reason: 'APP_CREDENTIAL_EXPIRED' }];
  metrics.appProblems.observe({
    failing: async () => ({ rows: failing, total: failing.length }),
    unfinishedRotations: async () => ({ rows: [{ ...ACME, isBlocked: true, beginTime: 7_000 }], total: 2 }),
  });

  const before = await metrics.text();
  failing = [];
  const after = await metrics.text();

  expect(before).toContain(`tokenvault_app_failing{${ACME_LABELS},reason="APP_CREDENTIAL_EXPIRED"} 1`);
  expect(before).toContain(`tokenvault_app_rotation_begin_timestamp_seconds{${ACME_LABELS},failing="true"} 7`);
  expect(after).not.toContain('tokenvault_app_failing{');
  expect(await limited(metrics, 'tokenvault_app_failing')).toBe('0');
  expect(await limited(metrics, 'tokenvault_app_rotation_begin_timestamp_seconds')).toBe('1');
});

test('deferred connections are counted in total and by app', async () => {
  const metrics = createMetrics(clock);
  let groups = [
    { ...ACME, count: 6 },
    { tenantId: 'acme', appId: 'other', count: 5 },
  ];
  metrics.tokens.observeDeferred(() => groups);
  metrics.appProblems.observe({ failing: nothing, unfinishedRotations: nothing });

  const before = await metrics.text();
  groups = [];
  const after = await metrics.text();

  expect(before).toContain('tokenvault_connections_state_deferred 11');
  expect(before).toContain(`tokenvault_app_connections_state_deferred{${ACME_LABELS}} 6`);
  expect(after).toContain('tokenvault_connections_state_deferred 0');
  expect(after).not.toContain('tokenvault_app_connections_state_deferred{');
});

type Metrics = ReturnType<typeof createMetrics>;

function event(type: string, more = '') {
  return { type, severity: 'WARNING', subject: `tenants/acme/apps/default${more}` };
}
