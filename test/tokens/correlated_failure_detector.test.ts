import { expect, test } from 'vitest';
import { HOUR, MINUTE, SECOND } from '../../src/model/clock.ts';
import type { Connection } from '../../src/model/connection.ts';
import type { Failure } from '../../src/model/token_request_outcome.ts';
import { createCorrelatedFailureDetector, type TriedConnection } from '../../src/tokens/correlated_failure_detector.ts';

const GRAPH = 'https://graph.microsoft.com';
const NOW = 1_800_000_000_000;

function tried(uid: string, appUid = 'app'): TriedConnection {
  return { connection: { uid, appUid } as Connection, resource: GRAPH };
}

function failing(entraError = 'invalid_grant/AADSTS50173'): Failure {
  return {
    kind: 'reauthorize',
    subject: 'connection',
    reason: 'REAUTHORIZATION_REQUIRED',
    entraError,
    correlationId: undefined,
    retryAfter: undefined,
    claims: undefined,
  };
}

test('the fifth equal failure within a minute forms a group and reverts the others', () => {
  const detector = createCorrelatedFailureDetector();
  for (let i = 0; i < 4; i++) expect(detector.evaluate(tried(`c${i}`), failing(), NOW + i)).toEqual({ kind: 'apply' });

  const verdict = detector.evaluate(tried('c4'), failing(), NOW + 4);

  expect(verdict).toMatchObject({ kind: 'defer', isFirst: true });
  expect(verdict.kind === 'defer' && verdict.applied.map(({ connection }) => connection.uid)).toEqual([
    'c0',
    'c1',
    'c2',
    'c3',
  ]);
  expect(detector.deferredCount).toBe(5);
  expect(detector.cooldownOf('c0', GRAPH, NOW + 4)).toBe(MINUTE);
  expect(detector.cooldownOf('other', GRAPH, NOW)).toBeUndefined();
});

test.each([
  ['over more than a minute', (i: number) => ({ time: NOW + i * 16 * SECOND, app: 'app', error: 'invalid_grant' })],
  ['of several apps', (i: number) => ({ time: NOW, app: `app${i % 2}`, error: 'invalid_grant' })],
  ['of several kinds', (i: number) => ({ time: NOW, app: 'app', error: `invalid_grant/${i % 2}` })],
])('five failures %s form no group', (_, failure) => {
  const detector = createCorrelatedFailureDetector();
  for (let i = 0; i < 5; i++) {
    const { time, app, error } = failure(i);
    expect(detector.evaluate(tried(`c${i}`, app), failing(error), time)).toEqual({ kind: 'apply' });
  }
});

test('one connection that fails repeatedly forms no group', () => {
  const detector = createCorrelatedFailureDetector();
  for (let i = 0; i < 20; i++) expect(detector.evaluate(tried('c'), failing(), NOW + i)).toEqual({ kind: 'apply' });
});

test('a fifth of the tried connections forms no group, a little more does', () => {
  const detector = createCorrelatedFailureDetector();
  for (let i = 0; i < 20; i++) detector.evaluate(tried(`healthy${i}`), undefined, NOW);
  for (let i = 0; i < 5; i++) expect(detector.evaluate(tried(`c${i}`), failing(), NOW).kind).toBe('apply');
  expect(detector.evaluate(tried('c5'), failing(), NOW).kind).toBe('defer');
});

test('probes run after one and five minutes; a second equal failure applies all, and later ones at once', () => {
  const detector = createCorrelatedFailureDetector();
  for (let i = 0; i < 5; i++) detector.evaluate(tried(`c${i}`), failing(), NOW);
  expect(detector.dueProbes(NOW + MINUTE - 1)).toEqual([]);
  const [probe] = detector.dueProbes(NOW + MINUTE);

  // Another connection's failure in the meantime is deferred, and is no probe.
  expect(detector.evaluate(tried('late'), failing(), NOW + MINUTE).kind).toBe('defer');
  expect(detector.evaluate(tried(probe?.connection.uid ?? ''), failing(), NOW + MINUTE).kind).toBe('defer');
  expect(detector.dueProbes(NOW + 5 * MINUTE - 1)).toEqual([]);
  expect(detector.dueProbes(NOW + 5 * MINUTE)).toHaveLength(1);
  const verdict = detector.evaluate(tried('c0'), failing(), NOW + 5 * MINUTE);

  expect(verdict.kind === 'apply_all' && verdict.deferred).toHaveLength(6);
  expect(detector.deferredCount).toBe(0);
  for (let i = 0; i < 9; i++) {
    expect(detector.evaluate(tried(`later${i}`), failing(), NOW + 6 * MINUTE).kind).toBe('apply');
  }
  expect(detector.evaluate(tried('x'), failing(), NOW + 3 * HOUR).kind).toBe('apply');
});

test('a deferred connection that gets a token dissolves the group; one with a new grant leaves it', () => {
  const detector = createCorrelatedFailureDetector();
  for (let i = 0; i < 5; i++) detector.evaluate(tried(`c${i}`), failing(), NOW);
  detector.release('c1');
  expect(detector.deferredCount).toBe(4);
  detector.evaluate(tried('elsewhere'), undefined, NOW);
  expect(detector.deferredCount).toBe(4);

  detector.evaluate(tried('c0'), undefined, NOW);

  expect(detector.deferredCount).toBe(0);
});

test('the second probe uses another connection than the first', () => {
  const detector = createCorrelatedFailureDetector();
  for (let i = 0; i < 5; i++) detector.evaluate(tried(`c${i}`), failing(), NOW);
  const [first] = detector.dueProbes(NOW + MINUTE);
  detector.evaluate(tried(first?.connection.uid ?? ''), failing(), NOW + MINUTE);

  const [second] = detector.dueProbes(NOW + 5 * MINUTE);

  expect(second?.connection.uid).not.toBe(first?.connection.uid);
});

test('after a probe without a result the next one uses another connection', () => {
  const detector = createCorrelatedFailureDetector();
  for (let i = 0; i < 5; i++) detector.evaluate(tried(`c${i}`), failing(), NOW);

  const probed = [0, 1, 2, 3, 4].flatMap((i) => detector.dueProbes(NOW + MINUTE + i * SECOND));

  expect(new Set(probed.map(({ connection }) => connection.uid)).size).toBe(5);
});

test('a deferred connection that fails in another way leaves the group', () => {
  const detector = createCorrelatedFailureDetector();
  for (let i = 0; i < 5; i++) detector.evaluate(tried(`c${i}`), failing(), NOW);

  expect(detector.evaluate(tried('c0'), failing('invalid_grant/AADSTS50057'), NOW + MINUTE)).toEqual({ kind: 'apply' });

  expect(detector.cooldownOf('c0', GRAPH, NOW + MINUTE)).toBeUndefined();
  expect(detector.deferredCount).toBe(4);
});

test('a clock that is set back does not prolong a group', () => {
  const detector = createCorrelatedFailureDetector();
  for (let i = 0; i < 5; i++) detector.evaluate(tried(`c${i}`), failing(), NOW);

  expect(detector.cooldownOf('c0', GRAPH, NOW - HOUR)).toBeLessThanOrEqual(MINUTE);
  expect(detector.dueProbes(NOW - HOUR)).toHaveLength(1);
  // A trial in the future is not part of the last minute.
  const other = createCorrelatedFailureDetector();
  for (let i = 0; i < 4; i++) other.evaluate(tried(`c${i}`), failing(), NOW);
  expect(other.evaluate(tried('c4'), failing(), NOW - HOUR)).toEqual({ kind: 'apply' });
});

test('a confirmed group disables detection for an hour, however many failures follow', () => {
  const detector = createCorrelatedFailureDetector();
  for (let i = 0; i < 5; i++) detector.evaluate(tried(`c${i}`), failing(), NOW);
  for (const time of [NOW + MINUTE, NOW + 5 * MINUTE]) {
    for (const probe of detector.dueProbes(time)) detector.evaluate(probe, failing(), time);
  }
  for (let i = 0; i < 12; i++) {
    expect(detector.evaluate(tried(`s${i}`), failing(), NOW + (5 + 4 * i) * MINUTE).kind).toBe('apply');
  }

  const later = NOW + 66 * MINUTE;
  const verdicts = [0, 1, 2, 3, 4].map((i) => detector.evaluate(tried(`healthy${i}`), failing(), later).kind);

  expect(verdicts).toEqual(['apply', 'apply', 'apply', 'apply', 'defer']);
});
