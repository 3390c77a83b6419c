import { expect, test } from 'vitest';
import type { Containment } from '../../src/model/containment.ts';
import { createMetrics } from '../../src/telemetry/vault_metrics.ts';

const containment = (subject: string, createTime: number): Containment => ({
  subject,
  reason: 'Key leaked',
  caller: 'admin',
  createTime,
});

test('the oldest containment of each kind has its time, until it is lifted', async () => {
  let list = [
    containment('callers/mail', 9_000),
    containment('callers/old', 7_000),
    containment('tenants/acme', 8_000),
  ];
  const metrics = createMetrics();
  metrics.observeContainments(() => list);
  const shown = async () => {
    const text = await metrics.text();
    return text.split('\n').filter((line) => line.startsWith('tokenvault_oldest_containment'));
  };
  const name = 'tokenvault_oldest_containment_create_timestamp_seconds';

  expect(await shown()).toEqual([`${name}{kind="caller"} 7`, `${name}{kind="tenant"} 8`]);
  list = list.slice(0, 1);
  expect(await shown()).toEqual([`${name}{kind="caller"} 9`]);
  list = [];
  expect(await shown()).toEqual([]);
});
