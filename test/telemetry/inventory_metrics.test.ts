import { expect, test } from 'vitest';
import { createMetrics } from '../../src/telemetry/vault_metrics.ts';

const rotations = async () => [];

test('during a database outage, other metrics and the last values are shown', async () => {
  const metrics = createMetrics();
  let away = false;
  const answer = async <Answer>(answer: Answer) => {
    if (away) throw new Error('the database is away');
    return answer;
  };
  metrics.observe({
    connectionsByState: () => answer({ ACTIVE: 7 }),
    credentialExpiries: () => answer([{ tenantId: 'acme', appId: 'default', credentialId: 'c1', expireTime: 5_000 }]),
    rotations: () => answer([{ step: 'ADD', isFailing: true, count: 2, oldestBeginTime: 5_000 }]),
  });
  metrics.tokens.served('CACHE');
  const before = await metrics.text();
  away = true;
  const after = await metrics.text();
  for (const text of [before, after]) {
    expect(text).toContain('tokenvault_tokens_served_total{source="CACHE"} 1');
    expect(text).toContain('tokenvault_connections{state="ACTIVE"} 7');
    expect(text).toContain(
      'tokenvault_credential_expire_timestamp_seconds{tenant="acme",app="default",credential="c1"} 5',
    );
    expect(text).toContain('tokenvault_rotations{step="ADD",failing="true"} 2');
  }
});

test('a deleted credential is removed from the metric', async () => {
  const metrics = createMetrics();
  const ends = [{ tenantId: 'acme', appId: 'default', credentialId: 'c1', expireTime: 5_000 }];
  metrics.observe({ connectionsByState: async () => ({}), credentialExpiries: async () => ends, rotations });
  expect(await metrics.text()).toContain('credential="c1"');
  ends.pop();
  expect(await metrics.text()).not.toContain('credential="c1"');
});

test('an expiry of "never" is shown, so that alerts know the other credential', async () => {
  const metrics = createMetrics();
  const app = { tenantId: 'acme', appId: 'default' };
  metrics.observe({
    connectionsByState: async () => ({}),
    credentialExpiries: async () => [
      { ...app, credentialId: 'ends', expireTime: Date.UTC(2026, 11, 31) },
      { ...app, credentialId: 'stays', expireTime: Date.UTC(2299, 11, 31) },
    ],
    rotations,
  });
  const ends = (await metrics.text()).matchAll(/^tokenvault_credential_expire_timestamp_seconds\{.*\} (\d+)$/gm);
  expect(Math.max(...[...ends].map(([, end]) => Number(end)))).toBe(Date.UTC(2299, 11, 31) / 1_000);
});

test('rotations are counted by step, with the start time of the oldest', async () => {
  const metrics = createMetrics();
  let under = [
    { step: 'WATCH', isFailing: false, count: 3, oldestBeginTime: 9_000 },
    { step: 'ADD', isFailing: true, count: 1, oldestBeginTime: 7_000 },
    { step: 'ADD', isFailing: false, count: 2, oldestBeginTime: 8_000 },
  ];
  metrics.observe({
    connectionsByState: async () => ({}),
    credentialExpiries: async () => [],
    rotations: async () => under,
  });
  const busy = await metrics.text();
  expect(busy).toContain('tokenvault_rotations{step="WATCH",failing="false"} 3');
  expect(busy).toContain('tokenvault_rotations{step="ADD",failing="true"} 1');
  expect(busy).toContain('tokenvault_rotations{step="ADD",failing="false"} 2');
  expect(busy).toContain('tokenvault_rotations{step="PROVE",failing="false"} 0');
  expect(busy).toContain('tokenvault_rotation_oldest_begin_timestamp_seconds 7');
  under = [];
  const idle = await metrics.text();
  expect(idle).toContain('tokenvault_rotations{step="ADD",failing="true"} 0');
  expect(idle).not.toMatch(/^tokenvault_rotation_oldest_begin_timestamp_seconds/m);
});
