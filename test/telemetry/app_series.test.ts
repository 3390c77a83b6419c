import { expect, test } from 'vitest';
import { createAppSeries } from '../../src/telemetry/app_series.ts';

function appsOf(series: ReturnType<typeof createAppSeries<number>>, tenantId: string): string[] {
  return series.all().flatMap(({ app }) => (app.tenantId === tenantId ? [app.appId] : []));
}

test('a value that is set again takes no room', () => {
  const series = createAppSeries<number>(1);
  const app = { tenantId: 'acme', appId: 'one' };

  expect([series.set(app, 'a', 1), series.set(app, 'a', 2), series.set(app, 'b', 3)]).toEqual([true, true, false]);
  expect(series.all()).toEqual([{ app, label: 'a', value: 2 }]);
});

test('a tenant with many apps makes room for others, down to an equal share', () => {
  const series = createAppSeries<number>(6);
  for (let at = 0; at < 50; at += 1) series.set({ tenantId: 'large', appId: `app-${at}` }, '', at);
  expect(appsOf(series, 'large')).toHaveLength(6);

  const kept = ['a', 'b', 'c', 'd'].map((appId) => series.set({ tenantId: 'small', appId }, '', 0));

  expect(kept).toEqual([false, false, false, false]);
  expect(appsOf(series, 'small')).toEqual(['a', 'b', 'c']);
  expect(appsOf(series, 'large')).toEqual(['app-0', 'app-1', 'app-2']);
});

test('the apps of one tenant do not displace each other, so that alerts do not come and go', () => {
  const series = createAppSeries<number>(2);
  for (const appId of ['a', 'b', 'c', 'd', 'a', 'c']) series.set({ tenantId: 'acme', appId }, '', 0);

  expect(appsOf(series, 'acme')).toEqual(['a', 'b']);
});

test('what is over makes room', () => {
  const series = createAppSeries<number>(1);
  series.set({ tenantId: 'acme', appId: 'old' }, '', 1);
  series.removeWhere((value) => value === 1);

  expect(series.set({ tenantId: 'acme', appId: 'new' }, '', 2)).toBe(true);
  expect(appsOf(series, 'acme')).toEqual(['new']);
});
