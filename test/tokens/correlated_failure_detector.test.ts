import { expect, test } from 'vitest';
import { HOUR, MINUTE, SECOND } from '../../src/model/clock.ts';
import type { Connection } from '../../src/model/connection.ts';
import type { Failure } from '../../src/model/token_request_outcome.ts';
import { createCorrelatedFailureDetector, type TriedConnection } from '../../src/tokens/correlated_failure_detector.ts';
import { deferredCount } from './token_test_data.ts';

const GRAPH = 'https://graph.microsoft.com';
const NOW = 1_800_000_000_000;

const OUTLOOK = 'https://outlook.office.com';

function tried(uid: string, appUid = 'app', resource = GRAPH): TriedConnection {
  return { connection: { uid, appUid } as Connection, resource };
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
  expect(deferredCount(detector)).toBe(5);
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
  expect(deferredCount(detector)).toBe(0);
  for (let i = 0; i < 9; i++) {
    expect(detector.evaluate(tried(`later${i}`), failing(), NOW + 6 * MINUTE).kind).toBe('apply');
  }
  expect(detector.evaluate(tried('x'), failing(), NOW + 3 * HOUR).kind).toBe('apply');
});

test('a deferred connection that gets a token dissolves the group; one with a new grant leaves it', () => {
  const detector = createCorrelatedFailureDetector();
  for (let i = 0; i < 5; i++) detector.evaluate(tried(`c${i}`), failing(), NOW);
  detector.release('c1');
  expect(deferredCount(detector)).toBe(4);
  detector.evaluate(tried('elsewhere'), undefined, NOW);
  expect(deferredCount(detector)).toBe(4);

  detector.evaluate(tried('c0'), undefined, NOW);

  expect(deferredCount(detector)).toBe(0);
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
  expect(deferredCount(detector)).toBe(4);
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

const blocked = (): Failure => ({
  ...failing('invalid_grant/AADSTS53003'),
  kind: 'blocked',
  subject: 'resource',
  reason: 'BLOCKED_BY_POLICY',
});

/** Five connections that fail the same way at once. */
function grouped(failure = failing(), time = NOW) {
  const detector = createCorrelatedFailureDetector();
  for (let i = 0; i < 5; i++) detector.evaluate(tried(`c${i}`), failure, time);
  return detector;
}

test.each([
  ['one minute', MINUTE, 'apply'],
  ['less than a minute', MINUTE - 1, 'defer'],
])('a failure counts with others of %s before', (_, later, kind) => {
  const detector = createCorrelatedFailureDetector();
  for (let i = 0; i < 4; i++) detector.evaluate(tried(`c${i}`), failing(), NOW);
  expect(detector.evaluate(tried('c4'), failing(), NOW + later).kind).toBe(kind);
});

test.each([
  ['kind', { kind: 'blocked' }],
  ['reason', { reason: 'ACCOUNT_MISMATCH' }],
] as const)('failures of another %s do not count together', (_, changes) => {
  const detector = createCorrelatedFailureDetector();
  for (let i = 0; i < 5; i++) {
    const failure = i % 2 === 0 ? failing() : { ...failing(), ...changes };
    expect(detector.evaluate(tried(`c${i}`), failure, NOW).kind).toBe('apply');
  }
});

test('a success refutes the earlier failures of its connection', () => {
  const detector = createCorrelatedFailureDetector();
  for (let i = 0; i < 4; i++) detector.evaluate(tried(`c${i}`), failing(), NOW);
  detector.evaluate(tried('c0', 'app', OUTLOOK), undefined, NOW);
  expect(detector.evaluate(tried('c4'), failing(), NOW)).toEqual({ kind: 'apply' });
});

test('a success of one resource does not refute a failure of another one', () => {
  const detector = createCorrelatedFailureDetector();
  for (let i = 0; i < 4; i++) detector.evaluate(tried(`c${i}`), blocked(), NOW);
  detector.evaluate(tried('c0', 'app', OUTLOOK), undefined, NOW);
  expect(detector.evaluate(tried('c4'), blocked(), NOW).kind).toBe('defer');
});

test('a failure of a resource defers that resource alone, one of the grant the whole connection', () => {
  const ofResource = grouped(blocked());
  expect(ofResource.cooldownOf('c0', GRAPH, NOW)).toBe(MINUTE);
  expect(ofResource.cooldownOf('c0', OUTLOOK, NOW)).toBeUndefined();
  ofResource.evaluate(tried('c0', 'app', OUTLOOK), undefined, NOW);
  expect(deferredCount(ofResource)).toBe(5);
  ofResource.evaluate(tried('c0'), undefined, NOW);
  expect(deferredCount(ofResource)).toBe(0);

  expect(grouped().cooldownOf('c0', OUTLOOK, NOW)).toBe(MINUTE);
});

test('two resources of a connection are deferred as one connection, with both failures', () => {
  const detector = grouped(blocked());
  detector.evaluate(tried('c0', 'app', OUTLOOK), blocked(), NOW);
  expect(deferredCount(detector)).toBe(5);
  expect(detector.dueProbes(NOW + MINUTE)).toHaveLength(1);
  for (const time of [NOW + MINUTE, NOW + 5 * MINUTE]) {
    const verdict = detector.evaluate(tried('c1'), blocked(), time);
    if (verdict.kind === 'apply_all') expect(verdict.deferred).toHaveLength(6);
    else expect(verdict).toEqual({ kind: 'defer', isFirst: false, applied: [] });
  }
  expect(deferredCount(detector)).toBe(0);
});

test('a failure is a probe only once the probe is due, and of a deferred connection', () => {
  const detector = grouped();
  expect(detector.evaluate(tried('c0'), failing(), NOW + MINUTE - 1).kind).toBe('defer');
  expect(detector.cooldownOf('c0', GRAPH, NOW + MINUTE - 1)).toBe(SECOND);
  expect(detector.cooldownOf('c0', GRAPH, NOW + MINUTE)).toBe(SECOND);
  detector.evaluate(tried('c1'), failing(), NOW + MINUTE);
  expect(detector.cooldownOf('c0', GRAPH, NOW + MINUTE)).toBe(4 * MINUTE);
  detector.evaluate(tried('new'), failing(), NOW + 5 * MINUTE);
  expect(detector.cooldownOf('c0', GRAPH, NOW + 5 * MINUTE)).toBe(SECOND);
});

test.each([
  [HOUR - 1, 'apply'],
  [HOUR, 'defer'],
])('a confirmed group is not detected again for an hour (after %i ms)', (later, kind) => {
  const detector = grouped();
  const confirmed = NOW + 5 * MINUTE;
  for (const time of [NOW + MINUTE, confirmed]) detector.evaluate(tried('c0'), failing(), time);
  detector.dueProbes(confirmed + later);
  for (let i = 0; i < 4; i++) detector.evaluate(tried(`d${i}`), failing(), confirmed + later);
  expect(detector.evaluate(tried('d4'), failing(), confirmed + later).kind).toBe(kind);
});

test('a new grant of the last deferred connection ends its group', () => {
  const detector = grouped();
  for (let i = 0; i < 5; i++) detector.release(`c${i}`);
  detector.release('c0');
  expect(deferredCount(detector)).toBe(0);
  expect(detector.dueProbes(NOW + MINUTE)).toEqual([]);
  expect(detector.evaluate(tried('c5'), failing(), NOW + 2 * MINUTE)).toEqual({ kind: 'apply' });
});

test('a look for due probes forgets no recent failure', () => {
  const detector = createCorrelatedFailureDetector();
  for (let i = 0; i < 4; i++) detector.evaluate(tried(`c${i}`), failing(), NOW);
  detector.dueProbes(NOW + 1);
  expect(detector.evaluate(tried('c4'), failing(), NOW + 1).kind).toBe('defer');
});

test('groups of two apps are probed and end separately', () => {
  const detector = grouped();
  for (let i = 0; i < 5; i++) detector.evaluate(tried(`d${i}`, 'other'), failing(), NOW);
  expect(deferredCount(detector)).toBe(10);
  expect(detector.dueProbes(NOW + MINUTE).map(({ connection }) => connection.appUid)).toEqual(['app', 'other']);
  expect(detector.evaluate(tried('c0'), undefined, NOW + MINUTE)).toEqual({ kind: 'apply' });
  expect(deferredCount(detector)).toBe(5);
});
