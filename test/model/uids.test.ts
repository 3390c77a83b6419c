import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { newUid } from '../../src/model/id_patterns.ts';

const VERSION_7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

beforeEach(() => vi.useFakeTimers({ toFake: ['Date'] }));
afterEach(() => vi.useRealTimers());

test.each(['1970-01-01T00:00:00.001Z', '2026-11-30T12:00:00Z', '9999-12-31T23:59:59.999Z'])(
  'a uid of %s is a UUID of version 7 with that time',
  (time) => {
    vi.setSystemTime(new Date(time));
    const uid = newUid();
    expect(uid).toMatch(VERSION_7);
    expect(new Date(Number.parseInt(uid.slice(0, 13).replace('-', ''), 16))).toEqual(new Date(time));
  },
);

test('a later uid sorts after an earlier one', () => {
  vi.setSystemTime(new Date('2026-11-30T12:00:00Z'));
  const earlier = newUid();
  vi.setSystemTime(new Date('2026-11-30T12:00:00.001Z'));
  expect(newUid() > earlier).toBe(true);
});

test('uids of one millisecond differ', () => {
  vi.setSystemTime(new Date('2026-11-30T12:00:00Z'));
  expect(new Set(Array.from({ length: 1_000 }, newUid)).size).toBe(1_000);
});
