import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DAY, HOUR, MINUTE } from '../../src/model/clock.ts';
import type { Rotation, RotationProblem } from '../../src/model/rotation.ts';
import { nextTransition, type RotationOutcome, type RotationTransition } from '../../src/model/rotation_transition.ts';

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

/** A rotation that is looked at again and again, by a clock of its own. */
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
    /** At its next time, or so much later. */
    look(outcome: RotationOutcome, late = 0): RotationTransition {
      if (run.rotation === undefined) throw new Error('it is over');
      now = Math.max(now, run.rotation.nextTime) + late;
      if (outcome.kind === 'added') newCreateTime = now;
      const move = nextTransition(run.rotation, outcome, { now, oldEnd, newCreateTime });
      moves.push({ now, outcome, move });
      run.rotation = move.after;
      return move;
    },
    /** What the step hopes for. */
    succeed: (late = 0) => run.look(hopedFor(run.rotation), late),
  };
  return run;
}

const ADDED: RotationOutcome = { kind: 'added', newCredentialUid: 'new' };
const ACCEPTED: RotationOutcome = { kind: 'accepted', wasRefused: false };
const REFUSED: RotationOutcome = { kind: 'refused', code: 'AADSTS7000215' };
const problemToReport = (problem: Extract<RotationOutcome, { kind: 'hindered' }>['problem'], code?: string) =>
  ({ kind: 'hindered', problem, code }) as const;

function hopedFor(rotation: Rotation | undefined): RotationOutcome {
  if (rotation?.step === 'ADD') return ADDED;
  return rotation?.step === 'REMOVE' ? { kind: 'removed' } : ACCEPTED;
}

const obstacle = fc.record({
  kind: fc.constant('hindered' as const),
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
  obstacle,
];
const BY_STEP = {
  ADD: fc.oneof(fc.constant(ADDED), fc.constant<RotationOutcome>({ kind: 'suspended' }), obstacle),
  PROVE: fc.oneof(...proved),
  WATCH: fc.oneof(...proved),
  REMOVE: fc.oneof(
    fc.constant<RotationOutcome>({ kind: 'removed' }),
    fc.constant<RotationOutcome>(REFUSED),
    fc.constant<RotationOutcome>({ kind: 'new_lost' }),
    obstacle,
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

describe('whatever happens', () => {
  test('there is a next look, at a time to come, and within a day', () => {
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

  test('no state is a dead end: once all goes well, it is over within 40 looks', () => {
    fc.assert(
      fc.property(looks, oldEnds, (sequence, oldEnd) => {
        const run = play(sequence, oldEnd);
        for (let count = 0; count < 40 && run.rotation !== undefined; count += 1) run.succeed();
        expect(run.rotation).toBeUndefined();
      }),
    );
  });

  test('the old secret goes only after a day in which no look saw the new one refused, and the last one saw it taken', () => {
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
        expect(before.slice(watched + 1).every(({ outcome }) => outcome.kind === 'hindered')).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  test('a new secret is preferred once it is 5 minutes old, and was taken at three looks in a row while Entra may still differ', () => {
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

  test('what was told is not told again until it is another thing, or more urgent', () => {
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
          // Solved: it would be news again.
          if (move.after?.problem === undefined) last = undefined;
        }
      }),
      { numRuns: 500 },
    );
  });
});

test('where all goes well, it takes a day and some minutes', () => {
  const run = start();
  while (run.rotation !== undefined) run.succeed();
  expect(run.moves.flatMap(({ now, move }) => (move.done ? [[move.done, now - START]] : []))).toEqual([
    ['ADDED', 0],
    ['PREFERRED', 5 * MINUTE],
    ['WATCHED', DAY + 5 * MINUTE],
    ['REMOVED', DAY + 5 * MINUTE],
  ]);
});

test('a new secret that Entra takes at every second look waits until it takes it at each', () => {
  const run = start();
  run.succeed();
  for (let minute = 0; minute < 12; minute += 1) expect(run.look(minute % 2 ? ACCEPTED : REFUSED).done).toBeUndefined();
  for (let minute = 0; minute < 2; minute += 1) expect(run.succeed().done).toBeUndefined();
  expect(run.succeed().done).toBe('PREFERRED');
});

test('two looks that are far apart say little while Entra may still differ', () => {
  const run = start();
  run.succeed();
  expect(run.succeed().done).toBeUndefined();
  expect(run.succeed(8 * MINUTE).done).toBeUndefined();
  for (let look = 0; look < 2; look += 1) expect(run.succeed().done).toBeUndefined();
  expect(run.succeed().done).toBe('PREFERRED');
});

test('one that Entra does not take for an hour is told, tried hourly, and preferred as soon as it is taken', () => {
  const run = start();
  run.succeed();
  const told: unknown[] = [];
  for (let look = 0; look < 70; look += 1) {
    const { report } = run.look(REFUSED);
    if (report) told.push([report.problem.kind, report.severity, Math.round((run.now - START) / HOUR)]);
  }
  expect(told).toEqual([['REFUSED_SECRET', 'WARNING', 1]]);
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

  test('a day, also where each look is an hour late', () => {
    const run = watching();
    while (run.rotation?.step === 'WATCH') run.succeed(HOUR);
    expect((run.now - START) / HOUR).toBeLessThanOrEqual(26);
  });

  test('longer by what nobody saw of it: the vault was down, or its clock jumped', () => {
    const run = watching();
    for (let hour = 0; hour < 5; hour += 1) run.succeed();
    run.succeed(90 * DAY);
    expect(run.rotation?.step).toBe('WATCH');
    expect(endOf(run)).toBe(24 + 90 * 24 - 1);
  });

  test('longer by an outage of Entra', () => {
    const run = watching();
    run.succeed();
    const before = run.now;
    while (run.now < before + 20 * HOUR) run.look(problemToReport('UNAVAILABLE'));
    expect(endOf(run)).toBeGreaterThan(24 + 18);
  });

  test('begun anew after a suspension', () => {
    const run = watching();
    for (let hour = 0; hour < 20; hour += 1) run.succeed();
    run.look({ kind: 'suspended' });
    const resumed = run.now + DAY;
    expect(endOf(run)).toBe((resumed - START) / HOUR + 24);
  });
});

describe('where the clock was set back by months', () => {
  test('a new secret is preferred by what was seen since', () => {
    const run = start();
    run.succeed();
    run.succeed();
    run.setClock(START - 90 * DAY);
    while (run.rotation?.step === 'PROVE' && run.moves.length < 20) run.succeed();
    expect(run.moves.at(-1)?.move.done).toBe('PREFERRED');
    expect(run.now).toBeGreaterThanOrEqual(START - 90 * DAY + 5 * MINUTE);
  });

  test('a new secret that Entra refuses is told', () => {
    const run = start();
    run.succeed();
    run.setClock(START - 90 * DAY);
    expect(run.look(REFUSED).report).toMatchObject({ problem: { kind: 'REFUSED_SECRET' } });
  });

  test('the day of success begins anew', () => {
    const run = start({ step: 'WATCH', newCredentialUid: 'new', watchTime: START });
    run.setClock(START - 90 * DAY);
    while (run.rotation?.step === 'WATCH' && run.moves.length < 50) run.succeed();
    expect(run.rotation?.step).toBe('REMOVE');
    expect(run.now - (START - 90 * DAY)).toBe(DAY);
  });

  test('an outage is told after six hours of it', () => {
    const run = start();
    run.look(problemToReport('UNAVAILABLE'));
    run.setClock(START - 90 * DAY);
    while (run.now < START - 89 * DAY) run.look(problemToReport('UNAVAILABLE'));
    expect(run.moves.filter(({ move }) => move.report !== undefined)).toHaveLength(1);
  });
});

describe('an outage', () => {
  test('is tried again ever more seldom, and told after six hours of it, once', () => {
    const run = start();
    const waits: number[] = [];
    const told: number[] = [];
    while (run.now - START < DAY) {
      if (run.look(problemToReport('UNAVAILABLE', `AADSTS${run.moves.length}`)).report) told.push(run.now - START);
      waits.push(((run.rotation?.nextTime ?? 0) - run.now) / MINUTE);
    }
    expect(waits.slice(0, 8)).toEqual([1, 2, 4, 8, 16, 32, 60, 60]);
    expect(told).toHaveLength(1);
    expect(told[0]).toBeGreaterThanOrEqual(6 * HOUR);
    expect(told[0]).toBeLessThan(7 * HOUR + MINUTE);
  });

  test('waits for as long as it is told to, if that is longer', () => {
    const run = start();
    run.look({ ...problemToReport('UNAVAILABLE'), retryAfter: 5 * MINUTE });
    expect((run.rotation?.nextTime ?? 0) - run.now).toBe(5 * MINUTE);
  });

  test('is no news beside what stood in the way before it', () => {
    const run = start();
    expect(run.look(problemToReport('PERMISSION')).report).toBeDefined();
    expect(run.look(problemToReport('UNAVAILABLE')).report).toBeUndefined();
    expect(run.look(problemToReport('PERMISSION')).report).toBeUndefined();
    expect(run.rotation?.problem?.kind).toBe('PERMISSION');
  });
});

describe('what somebody must mend', () => {
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

  test('is told again when the old one is about to end', () => {
    const run = start();
    const told: unknown[] = [];
    while (run.now < START + 30 * DAY) {
      const { report } = run.look(problemToReport('PERMISSION'));
      if (report) told.push([report.severity, (run.now - START) / DAY]);
    }
    expect(told).toEqual([
      ['WARNING', 0],
      ['CRITICAL', 16],
    ]);
  });

  test('is no matter of haste once the new one serves, and is over when the old one has ended', () => {
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
  'an old secret that cannot be removed (%s) stays, which is told, and the rotation is over',
  (problem) => {
    const run = start({ step: 'REMOVE', newCredentialUid: 'new' }, START + 2 * DAY);
    const { after, done, report } = run.look({ kind: 'kept', problem });
    expect([after, done]).toEqual([undefined, undefined]);
    expect(report).toMatchObject({ problem: { kind: problem }, severity: 'WARNING' });
  },
);

test('a new secret that somebody removed here is made anew, unless the app renews itself no more', () => {
  const watching = { step: 'WATCH', newCredentialUid: 'new', watchTime: START } as const;
  expect(start(watching).look({ kind: 'new_gone', isWanted: true }).after).toMatchObject({
    step: 'ADD',
    newCredentialUid: undefined,
    watchTime: undefined,
    marker: BEGUN.marker,
  });
  expect(start(watching).look({ kind: 'new_gone', isWanted: false }).after).toBeUndefined();
});

test('one that was to remove the old secret watches for another day, where Entra refuses the new one by now', () => {
  const run = start({ step: 'REMOVE', newCredentialUid: 'new' });
  expect(run.look(REFUSED)).toMatchObject({
    after: { step: 'WATCH', watchTime: START },
    done: undefined,
    report: { problem: { kind: 'REFUSED_SECRET', code: 'AADSTS7000215' } },
  });
});
