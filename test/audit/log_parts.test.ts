import { expect, test } from 'vitest';
import { createLogHealth } from '../../src/audit/audit_log_health.ts';
import { createUnsyncedGroups } from '../../src/audit/log_lines_awaiting_fsync.ts';
import { createSerialWork } from '../../src/audit/serial_work_queue.ts';

const MIB = 2 ** 20;

test('the health of a log causes an alert when an operation starts to fail, and a metric when it changes', () => {
  const events: unknown[] = [];
  const health = createLogHealth({
    alert: (topic) => events.push(topic),
    metrics: { group() {}, writable: (is) => events.push(is) },
  });
  const state = () => [health.written, health.synced, health.writable];
  expect(state()).toEqual([true, true, true]);
  health.report('audit_write', true);
  expect(events).toEqual([]);

  health.report('audit_write', false);
  health.report('audit_write', false);
  expect(state()).toEqual([false, true, false]);
  health.report('audit_sync', false);
  expect(state()).toEqual([false, false, false]);
  health.report('audit_write', true);
  expect(state()).toEqual([true, false, false]);
  health.report('audit_sync', true);
  expect(state()).toEqual([true, true, true]);
  expect(events).toEqual(['audit_write', false, 'audit_sync', true]);
});

test('the health of a log needs neither alerts nor metrics', () => {
  const health = createLogHealth({});
  health.report('audit_sync', false);
  expect(health.writable).toBe(false);
});

test('groups that wait for a sync fill 8 MiB, and those after a mark stay', () => {
  const groups = createUnsyncedGroups();
  const group = (length: number) => ({ lines: Buffer.alloc(length), entries: 1 });
  groups.add(group(4 * MIB - 1));
  expect([groups.filling, groups.full]).toEqual([false, false]);
  const first = groups.mark();
  groups.add(group(1));
  expect([groups.filling, groups.full]).toEqual([true, false]);
  groups.add(group(4 * MIB));
  expect([groups.filling, groups.full]).toEqual([true, true]);

  groups.confirm(first);
  expect(groups.all.map(({ lines }) => lines.length)).toEqual([1, 4 * MIB]);
  expect([groups.filling, groups.full]).toEqual([true, false]);
  groups.confirm(groups.mark());
  expect([groups.all, groups.filling, groups.full]).toEqual([[], false, false]);
  groups.add(group(4 * MIB));
  expect([groups.mark(), groups.filling]).toEqual([4, true]);
  groups.add(group(1));
  groups.add(group(2));
  groups.confirm(4);
  groups.confirm(5);
  expect(groups.all).toEqual([group(2)]);
  groups.add(group(4 * MIB - 2));
  expect(groups.filling).toBe(true);
});

test('work runs one after another, and requests of a kind that waits share a run', async () => {
  const work = createSerialWork();
  const runs: string[] = [];
  const gate = Promise.withResolvers<void>();
  const started = Promise.withResolvers<void>();
  const first = work.run('sync', async () => {
    started.resolve();
    runs.push('first starts');
    await gate.promise;
    runs.push('first ends');
  });
  await started.promise;
  const second = work.run('sync', async () => void runs.push('second'));
  expect(second).not.toBe(first);
  expect(work.run('sync', async () => void runs.push('never'))).toBe(second);
  const other = work.run('replace', async () => {
    runs.push('other');
    void work.run('sync', async () => void runs.push('last'));
  });
  gate.resolve();
  await work.idle();
  expect(runs).toEqual(['first starts', 'first ends', 'second', 'other', 'last']);
  await Promise.all([first, second, other]);
});
