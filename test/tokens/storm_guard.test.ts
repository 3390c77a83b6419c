import { expect, test } from 'vitest';
import { HOUR, MINUTE, SECOND } from '../../src/model/clock.ts';
import type { Connection } from '../../src/model/connection.ts';
import type { Failure } from '../../src/model/exchange.ts';
import { createStormGuard, type TriedConnection } from '../../src/tokens/storm_guard.ts';

const NOW = 1_800_000_000_000;

function tried(uid: string, appUid = 'app'): TriedConnection {
  return { connection: { uid, appUid } as Connection, resource: 'https://graph.microsoft.com' };
}

function failing(entraError = 'invalid_grant/AADSTS50173'): Failure {
  return {
    kind: 'reauthorize',
    reason: 'REAUTHORIZATION_REQUIRED',
    entraError,
    correlationId: undefined,
    retryAfter: undefined,
    claims: undefined,
  };
}

test('the fifth like failure within a minute begins a storm that takes the others back', () => {
  const guard = createStormGuard();
  for (let i = 0; i < 4; i++) expect(guard.judge(tried(`c${i}`), failing(), NOW + i)).toEqual({ kind: 'mark' });

  const verdict = guard.judge(tried('c4'), failing(), NOW + 4);

  expect(verdict).toMatchObject({ kind: 'hold', began: true });
  expect(verdict.kind === 'hold' && verdict.marked.map(({ connection }) => connection.uid)).toEqual([
    'c0',
    'c1',
    'c2',
    'c3',
  ]);
  expect(guard.heldCount).toBe(5);
  expect(guard.holdOf('c0', NOW + 4)).toBe(MINUTE);
  expect(guard.holdOf('other', NOW)).toBeUndefined();
});

test.each([
  ['over more than a minute', (i: number) => ({ time: NOW + i * 16 * SECOND, app: 'app', error: 'invalid_grant' })],
  ['of several apps', (i: number) => ({ time: NOW, app: `app${i % 2}`, error: 'invalid_grant' })],
  ['of several kinds', (i: number) => ({ time: NOW, app: 'app', error: `invalid_grant/${i % 2}` })],
])('five failures %s are no storm', (_, failure) => {
  const guard = createStormGuard();
  for (let i = 0; i < 5; i++) {
    const { time, app, error } = failure(i);
    expect(guard.judge(tried(`c${i}`, app), failing(error), time)).toEqual({ kind: 'mark' });
  }
});

test('one connection that fails again and again is no storm', () => {
  const guard = createStormGuard();
  for (let i = 0; i < 20; i++) expect(guard.judge(tried('c'), failing(), NOW + i)).toEqual({ kind: 'mark' });
});

test('a fifth of the tried is no storm, and a little more is one', () => {
  const guard = createStormGuard();
  for (let i = 0; i < 20; i++) guard.judge(tried(`healthy${i}`), undefined, NOW);
  for (let i = 0; i < 5; i++) expect(guard.judge(tried(`c${i}`), failing(), NOW).kind).toBe('mark');
  expect(guard.judge(tried('c5'), failing(), NOW).kind).toBe('hold');
});

test('it is probed after one and after five minutes; the second like failure marks all, and stragglers at once', () => {
  const guard = createStormGuard();
  for (let i = 0; i < 5; i++) guard.judge(tried(`c${i}`), failing(), NOW);
  expect(guard.dueProbes(NOW + MINUTE - 1)).toEqual([]);
  const [probe] = guard.dueProbes(NOW + MINUTE);

  // Somebody else's failure meanwhile is held, and is no probe.
  expect(guard.judge(tried('late'), failing(), NOW + MINUTE).kind).toBe('hold');
  expect(guard.judge(tried(probe?.connection.uid ?? ''), failing(), NOW + MINUTE).kind).toBe('hold');
  expect(guard.dueProbes(NOW + 5 * MINUTE - 1)).toEqual([]);
  expect(guard.dueProbes(NOW + 5 * MINUTE)).toHaveLength(1);
  const verdict = guard.judge(tried('c0'), failing(), NOW + 5 * MINUTE);

  expect(verdict.kind === 'mark_all' && verdict.held).toHaveLength(6);
  expect(guard.heldCount).toBe(0);
  for (let i = 0; i < 9; i++) {
    expect(guard.judge(tried(`straggler${i}`), failing(), NOW + 6 * MINUTE).kind).toBe('mark');
  }
  expect(guard.judge(tried('x'), failing(), NOW + 3 * HOUR).kind).toBe('mark');
});

test('a held connection that gets a token ends the storm; one with a new grant leaves it', () => {
  const guard = createStormGuard();
  for (let i = 0; i < 5; i++) guard.judge(tried(`c${i}`), failing(), NOW);
  guard.release('c1');
  expect(guard.heldCount).toBe(4);
  guard.judge(tried('elsewhere'), undefined, NOW);
  expect(guard.heldCount).toBe(4);

  guard.judge(tried('c0'), undefined, NOW);

  expect(guard.heldCount).toBe(0);
});
