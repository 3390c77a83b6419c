import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DAY, HOUR, MINUTE } from '../../src/model/clock.ts';
import type { Rotation, RotationProblem } from '../../src/model/secret_rotation.ts';
import {
  nextTransition,
  type RotationOutcome,
  type RotationTransition,
} from '../../src/model/secret_rotation_transition.ts';

const START = 1_800_000_000_000;
const BEGUN: Rotation = {
  uid: 'r',
  appUid: 'a',
  step: 'ADD',
  marker: 'token-vault 0123456789abcdef',
  oldCredentialUid: 'old',
  newCredentialUid: undefined,
  beginTime: START,
  watchTime: undefined,
  nextTime: START,
  failures: 0,
  problem: undefined,
  version: 1,
};

/** A rotation with repeated attempts, and its own clock. */
function start(rotation: Partial<Rotation> = {}, oldEnd: number | undefined = START + 30 * DAY) {
  let now = START;
  let newCreateTime: number | undefined;
  const moves: { readonly now: number; readonly outcome: RotationOutcome; readonly move: RotationTransition }[] = [];
  const run = {
    moves,
    rotation: { ...BEGUN, ...rotation } as Rotation | undefined,
    get now() {
      return now;
    },
    setClock(time: number) {
      now = time;
      if (run.rotation !== undefined) run.rotation = { ...run.rotation, nextTime: time };
    },
    /** An attempt at its next time, or `late` milliseconds later. */
    look(outcome: RotationOutcome, late = 0): RotationTransition {
      if (run.rotation === undefined) throw new Error('the rotation is completed');
      now = Math.max(now, run.rotation.nextTime) + late;
      if (outcome.kind === 'added') newCreateTime = now;
      const move = nextTransition(run.rotation, outcome, { now, oldEnd, newCreateTime });
      moves.push({ now, outcome, move });
      run.rotation = move.after;
      return move;
    },
    /** The outcome that completes the step. */
    succeed: (late = 0) => run.look(hopedFor(run.rotation), late),
  };
  return run;
}

const ADDED: RotationOutcome = { kind: 'added', newCredentialUid: 'new' };
const ACCEPTED: RotationOutcome = { kind: 'accepted', wasRefused: false };
const REFUSED: RotationOutcome = { kind: 'refused', code: 'AADSTS7000215' };
const problemToReport = (problem: Extract<RotationOutcome, { kind: 'blocked' }>['problem'], code?: string) =>
  ({ kind: 'blocked', problem, code }) as const;

function hopedFor(rotation: Rotation | undefined): RotationOutcome {
  if (rotation?.step === 'ADD') return ADDED;
  return rotation?.step === 'REMOVE' ? { kind: 'removed' } : ACCEPTED;
}

const blocker = fc.record({
  kind: fc.constant('blocked' as const),
  problem: fc.constantFrom('NO_DIRECTORY', 'NOT_FOUND', 'PERMISSION', 'POLICY', 'UNAVAILABLE'),
  code: fc.constantFrom(undefined, 'x', 'y'),
  retryAfter: fc.constantFrom(undefined, 0, 90_000, 10 * DAY),
});
const proved = [
  fc.boolean().map((wasRefused): RotationOutcome => ({ kind: 'accepted', wasRefused })),
  fc.constant<RotationOutcome>(ACCEPTED),
  fc.constant<RotationOutcome>(REFUSED),
  fc.constant<RotationOutcome>({ kind: 'new_gone', isWanted: true }),
  fc.constant<RotationOutcome>({ kind: 'new_lost' }),
  fc.constant<RotationOutcome>({ kind: 'suspended' }),
  blocker,
];
const BY_STEP = {
  ADD: fc.oneof(fc.constant(ADDED), fc.constant<RotationOutcome>({ kind: 'suspended' }), blocker),
  PROVE: fc.oneof(...proved),
  WATCH: fc.oneof(...proved),
  REMOVE: fc.oneof(
    fc.constant<RotationOutcome>({ kind: 'removed' }),
    fc.constant<RotationOutcome>(REFUSED),
    fc.constant<RotationOutcome>({ kind: 'new_lost' }),
    blocker,
  ),
};
const looks = fc.array(
  fc.record({
    ...BY_STEP,
    late: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 3 * MINUTE }), fc.integer({ min: 0, max: 2 * DAY })),
  }),
  { maxLength: 120 },
);
const oldEnds = fc.constantFrom(undefined, START - DAY, START + 3 * DAY, START + 30 * DAY);

function play(sequence: typeof looks extends fc.Arbitrary<infer Value> ? Value : never, oldEnd: number | undefined) {
  const run = start({}, oldEnd);
  for (const look of sequence) {
    if (run.rotation === undefined) break;
    run.look(look[run.rotation.step], look.late);
  }
  return run;
}

describe('in any case', () => {
  test('the next attempt is in the future, within a day', () => {
    fc.assert(
      fc.property(looks, oldEnds, (sequence, oldEnd) => {
        for (const { now, move } of play(sequence, oldEnd).moves) {
          if (move.after === undefined) continue;
          expect(move.after.nextTime).toBeGreaterThanOrEqual(now);
          expect(move.after.nextTime).toBeLessThanOrEqual(now + DAY);
        }
      }),
    );
  });

  test('once all attempts succeed, it completes within 40 attempts', () => {
    fc.assert(
      fc.property(looks, oldEnds, (sequence, oldEnd) => {
        const run = play(sequence, oldEnd);
        for (let count = 0; count < 40 && run.rotation !== undefined; count += 1) run.succeed();
        expect(run.rotation).toBeUndefined();
      }),
    );
  });

  test('the old secret is removed only after a day without refusals, whose last attempt succeeded', () => {
    fc.assert(
      fc.property(looks, oldEnds, (sequence, oldEnd) => {
        const { moves } = play(sequence, oldEnd);
        moves.forEach(({ move }, at) => {
          if (move.done !== 'WATCHED') return;
          const end = moves[at]?.now ?? 0;
          expect(moves[at]?.outcome).toMatchObject({ kind: 'accepted', wasRefused: false });
          const day = moves.filter(({ now }, index) => index <= at && now > end - DAY);
          const isDoubt = ({ outcome }: (typeof moves)[number]) =>
            outcome.kind === 'refused' || (outcome.kind === 'accepted' && outcome.wasRefused);
          expect(day.some(isDoubt)).toBe(false);
          expect(moves.some((one, index) => index < at && one.move.done === 'PREFERRED' && one.now <= end - DAY)).toBe(
            true,
          );
        });
        const removed = moves.findIndex(({ move }) => move.done === 'REMOVED');
        if (removed < 0) return;
        const before = moves.slice(0, removed);
        const watched = before.findLastIndex(({ move }) => move.done === 'WATCHED');
        expect(watched).toBeGreaterThanOrEqual(0);
        expect(before.slice(watched + 1).every(({ outcome }) => outcome.kind === 'blocked')).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  test('a new secret is preferred after 5 minutes, and three successes in a row during replication', () => {
    fc.assert(
      fc.property(looks, oldEnds, (sequence, oldEnd) => {
        const { moves } = play(sequence, oldEnd);
        moves.forEach(({ now, move }, at) => {
          if (move.done !== 'PREFERRED') return;
          const added = moves.slice(0, at).findLast((one) => one.move.done === 'ADDED')?.now ?? Infinity;
          expect(now - added).toBeGreaterThanOrEqual(5 * MINUTE);
          const inRow = moves.slice(0, at + 1).toReversed();
          const length = inRow.findIndex(({ outcome }) => outcome.kind !== 'accepted' && outcome.kind !== 'suspended');
          const taken = inRow.slice(0, length).filter(({ outcome }) => outcome.kind === 'accepted');
          expect(taken.length).toBeGreaterThanOrEqual(now - added < 15 * MINUTE ? 3 : 2);
        });
      }),
      { numRuns: 500 },
    );
  });

  test('a reported problem is reported again only when it changes or becomes more urgent', () => {
    fc.assert(
      fc.property(looks, oldEnds, (sequence, oldEnd) => {
        let last: { problem: RotationProblem; severity: string } | undefined;
        for (const { move } of play(sequence, oldEnd).moves) {
          if (move.report !== undefined) {
            const { problem, severity } = move.report;
            const isSame = last?.problem.kind === problem.kind && last.problem.code === problem.code;
            if (isSame) expect([last?.severity, severity]).toEqual(['WARNING', 'CRITICAL']);
            last = move.report;
          }
          // Solved: it would be reported again.
          if (move.after?.problem === undefined) last = undefined;
        }
      }),
      { numRuns: 500 },
    );
  });
});

test('without problems it takes a day and some minutes', () => {
  const run = start();
  while (run.rotation !== undefined) run.succeed();
  expect(run.moves.flatMap(({ now, move }) => (move.done ? [[move.done, now - START]] : []))).toEqual([
    ['ADDED', 0],
    ['PREFERRED', 5 * MINUTE],
    ['WATCHED', DAY + 5 * MINUTE],
    ['REMOVED', DAY + 5 * MINUTE],
  ]);
});

test('a new secret that Entra accepts at every second attempt waits until it accepts it at each', () => {
  const run = start();
  run.succeed();
  for (let minute = 0; minute < 12; minute += 1) expect(run.look(minute % 2 ? ACCEPTED : REFUSED).done).toBeUndefined();
  for (let minute = 0; minute < 2; minute += 1) expect(run.succeed().done).toBeUndefined();
  expect(run.succeed().done).toBe('PREFERRED');
});

test('two attempts that are far apart prove little during replication', () => {
  const run = start();
  run.succeed();
  expect(run.succeed().done).toBeUndefined();
  expect(run.succeed(8 * MINUTE).done).toBeUndefined();
  for (let look = 0; look < 2; look += 1) expect(run.succeed().done).toBeUndefined();
  expect(run.succeed().done).toBe('PREFERRED');
});

test('one that Entra refuses for an hour is reported, tried hourly, and preferred once accepted', () => {
  const run = start();
  run.succeed();
  const reported: unknown[] = [];
  for (let look = 0; look < 70; look += 1) {
    const { report } = run.look(REFUSED);
    if (report) reported.push([report.problem.kind, report.severity, Math.round((run.now - START) / HOUR)]);
  }
  expect(reported).toEqual([['REFUSED_SECRET', 'WARNING', 1]]);
  expect((run.rotation?.nextTime ?? 0) - run.now).toBe(HOUR);
  for (let look = 0; look < 3; look += 1) run.succeed();
  expect(run.succeed().done).toBe('PREFERRED');
  expect(run.rotation?.problem).toBeUndefined();
});

describe('a day of success is', () => {
  const watching = () => start({ step: 'WATCH', newCredentialUid: 'new', watchTime: START, nextTime: START + HOUR });
  const endOf = (run: ReturnType<typeof start>) => {
    while (run.rotation?.step === 'WATCH') run.succeed();
    return (run.now - START) / HOUR;
  };

  test('a day, even if each attempt is an hour late', () => {
    const run = watching();
    while (run.rotation?.step === 'WATCH') run.succeed(HOUR);
    expect((run.now - START) / HOUR).toBeLessThanOrEqual(26);
  });

  test('prolonged by time without attempts: the vault was down, or its clock jumped', () => {
    const run = watching();
    for (let hour = 0; hour < 5; hour += 1) run.succeed();
    run.succeed(90 * DAY);
    expect(run.rotation?.step).toBe('WATCH');
    expect(endOf(run)).toBe(24 + 90 * 24 - 1);
  });

  test('prolonged by an outage of Entra', () => {
    const run = watching();
    run.succeed();
    const before = run.now;
    while (run.now < before + 20 * HOUR) run.look(problemToReport('UNAVAILABLE'));
    expect(endOf(run)).toBeGreaterThan(24 + 18);
  });

  test('restarted after a suspension', () => {
    const run = watching();
    for (let hour = 0; hour < 20; hour += 1) run.succeed();
    run.look({ kind: 'suspended' });
    const resumed = run.now + DAY;
    expect(endOf(run)).toBe((resumed - START) / HOUR + 24);
  });
});

describe('if the clock was set back by months', () => {
  test('a new secret is preferred by the attempts since', () => {
    const run = start();
    run.succeed();
    run.succeed();
    run.setClock(START - 90 * DAY);
    while (run.rotation?.step === 'PROVE' && run.moves.length < 20) run.succeed();
    expect(run.moves.at(-1)?.move.done).toBe('PREFERRED');
    expect(run.now).toBeGreaterThanOrEqual(START - 90 * DAY + 5 * MINUTE);
  });

  test('a new secret that Entra refuses is reported', () => {
    const run = start();
    run.succeed();
    run.setClock(START - 90 * DAY);
    expect(run.look(REFUSED).report).toMatchObject({ problem: { kind: 'REFUSED_SECRET' } });
  });

  test('the day of success restarts', () => {
    const run = start({ step: 'WATCH', newCredentialUid: 'new', watchTime: START });
    run.setClock(START - 90 * DAY);
    while (run.rotation?.step === 'WATCH' && run.moves.length < 50) run.succeed();
    expect(run.rotation?.step).toBe('REMOVE');
    expect(run.now - (START - 90 * DAY)).toBe(DAY);
  });

  test('an outage is reported after six hours', () => {
    const run = start();
    run.look(problemToReport('UNAVAILABLE'));
    run.setClock(START - 90 * DAY);
    while (run.now < START - 89 * DAY) run.look(problemToReport('UNAVAILABLE'));
    expect(run.moves.filter(({ move }) => move.report !== undefined)).toHaveLength(1);
  });
});

describe('an outage', () => {
  test('is retried with growing pauses, and reported once, after six hours', () => {
    const run = start();
    const waits: number[] = [];
    const reported: number[] = [];
    while (run.now - START < DAY) {
      if (run.look(problemToReport('UNAVAILABLE', `AADSTS${run.moves.length}`)).report) reported.push(run.now - START);
      waits.push(((run.rotation?.nextTime ?? 0) - run.now) / MINUTE);
    }
    expect(waits.slice(0, 8)).toEqual([1, 2, 4, 8, 16, 32, 60, 60]);
    expect(reported).toHaveLength(1);
    expect(reported[0]).toBeGreaterThanOrEqual(6 * HOUR);
    expect(reported[0]).toBeLessThan(7 * HOUR + MINUTE);
  });

  test('waits for Retry-After, if that is longer', () => {
    const run = start();
    run.look({ ...problemToReport('UNAVAILABLE'), retryAfter: 5 * MINUTE });
    expect((run.rotation?.nextTime ?? 0) - run.now).toBe(5 * MINUTE);
  });

  test('is not reported in addition to an earlier problem', () => {
    const run = start();
    expect(run.look(problemToReport('PERMISSION')).report).toBeDefined();
    expect(run.look(problemToReport('UNAVAILABLE')).report).toBeUndefined();
    expect(run.look(problemToReport('PERMISSION')).report).toBeUndefined();
    expect(run.rotation?.problem?.kind).toBe('PERMISSION');
  });
});

describe('a problem that an operator must solve', () => {
  test.each(['NO_DIRECTORY', 'NOT_FOUND', 'PERMISSION', 'POLICY'] as const)(
    '%s is tried daily, and told at once',
    (kind) => {
      const run = start();
      expect(run.look(problemToReport(kind, 'x')).report).toMatchObject({
        problem: { kind, code: 'x' },
        severity: 'WARNING',
      });
      expect((run.rotation?.nextTime ?? 0) - run.now).toBe(DAY);
      expect(run.look(problemToReport(kind, 'x')).report).toBeUndefined();
      expect(run.look(problemToReport(kind, 'y')).report).toBeDefined();
    },
  );

  test('is reported again shortly before the old one expires', () => {
    const run = start();
    const reported: unknown[] = [];
    while (run.now < START + 30 * DAY) {
      const { report } = run.look(problemToReport('PERMISSION'));
      if (report) reported.push([report.severity, (run.now - START) / DAY]);
    }
    expect(reported).toEqual([
      ['WARNING', 0],
      ['CRITICAL', 16],
    ]);
  });

  test('is not urgent once the new one is in use, and completes when the old one has expired', () => {
    const run = start({ step: 'REMOVE', newCredentialUid: 'new' }, START + 2 * DAY);
    expect(run.look(problemToReport('PERMISSION')).report).toMatchObject({ severity: 'WARNING' });
    run.look(problemToReport('PERMISSION'));
    expect(run.look(problemToReport('PERMISSION'))).toMatchObject({
      after: undefined,
      done: undefined,
      report: undefined,
    });
  });
});

test.each(['NO_KEY_ID', 'IN_USE'] as const)(
  'an old secret that cannot be removed (%s) stays, is reported, and completes the rotation',
  (problem) => {
    const run = start({ step: 'REMOVE', newCredentialUid: 'new' }, START + 2 * DAY);
    const { after, done, report } = run.look({ kind: 'kept', problem });
    expect([after, done]).toEqual([undefined, undefined]);
    expect(report).toMatchObject({ problem: { kind: problem }, severity: 'WARNING' });
  },
);

test('a new secret that an operator removed is created again, unless the policy was removed', () => {
  const watching = { step: 'WATCH', newCredentialUid: 'new', watchTime: START } as const;
  expect(start(watching).look({ kind: 'new_gone', isWanted: true }).after).toMatchObject({
    step: 'ADD',
    newCredentialUid: undefined,
    watchTime: undefined,
    marker: BEGUN.marker,
  });
  expect(start(watching).look({ kind: 'new_gone', isWanted: false }).after).toBeUndefined();
});

test('step REMOVE returns to WATCH for a day if Entra refuses the new secret', () => {
  const run = start({ step: 'REMOVE', newCredentialUid: 'new' });
  expect(run.look(REFUSED)).toMatchObject({
    after: { step: 'WATCH', watchTime: START },
    done: undefined,
    report: { problem: { kind: 'REFUSED_SECRET', code: 'AADSTS7000215' } },
  });
});
