import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  matchRegistered,
  type OwnCredential,
  type RegisteredCredential,
  SAME_EXPIRY,
} from '../../src/credential_lifecycle/matching/match_credentials_with_entra.ts';
import { DAY, HOUR } from '../../src/model/clock.ts';

const END = Date.UTC(2027, 5, 1);

function own(uid: string, more: Partial<OwnCredential> = {}): OwnCredential {
  return {
    uid,
    kind: 'CLIENT_SECRET',
    keyId: undefined,
    mark: uid.slice(0, 3),
    identity: uid,
    endTime: undefined,
    mayBeRenewed: false,
    ...more,
  };
}

function entry(
  keyId: string,
  mark: string | undefined,
  more: Partial<RegisteredCredential> = {},
): RegisteredCredential {
  return { keyId, kind: 'CLIENT_SECRET', mark, endTime: END, ...more };
}

function matched(ours: readonly OwnCredential[], theirs: readonly RegisteredCredential[]) {
  const { matches, missing, unknown } = matchRegistered(ours, theirs);
  return {
    matches: Object.fromEntries([...matches].map(([uid, { keyId }]) => [uid, keyId])),
    missing: [...missing],
    unknown: unknown.map(({ keyId }) => keyId),
  };
}

describe('a credential is matched', () => {
  test('by its hint or thumbprint, if it is unique', () => {
    const thumbprint = 'a1'.repeat(20);
    const ours = [own('abc'), own('cert', { kind: 'CERTIFICATE', mark: thumbprint })];
    const theirs = [entry('k1', 'abc'), entry('k2', thumbprint, { kind: 'CERTIFICATE' }), entry('k3', 'xyz')];
    expect(matched(ours, theirs)).toEqual({ matches: { abc: 'k1', cert: 'k2' }, missing: [], unknown: ['k3'] });
  });

  test('by its key id, also if others share its hint', () => {
    const ours = [own('abc1', { keyId: 'k2' }), own('abc2')];
    const theirs = [entry('k1', 'abc'), entry('k2', 'abc')];
    expect(matched(ours, theirs).matches).toEqual({ abc1: 'k2', abc2: 'k1' });
  });

  test('by its expiry date, to the day, if several share its hint', () => {
    const ours = [own('abc1', { endTime: END + 20 * HOUR }), own('abc2', { endTime: END + 90 * DAY })];
    const theirs = [entry('k1', 'abc', { endTime: END + 90 * DAY }), entry('k2', 'abc')];
    expect(matched(ours, theirs).matches).toEqual({ abc1: 'k2', abc2: 'k1' });
  });

  test('by its hint rather than by its expiry date', () => {
    const theirs = [entry('k1', 'abc', { endTime: END + 90 * DAY }), entry('k2', undefined)];
    expect(matched([own('abc', { endTime: END })], theirs).matches).toEqual({ abc: 'k1' });
  });

  test('as the remaining one once the others with its hint are matched', () => {
    const ours = [own('abc1'), own('abc2', { endTime: END })];
    const theirs = [entry('k1', 'abc'), entry('k2', 'abc', { endTime: END + 90 * DAY })];
    expect(matched(ours, theirs).matches).toEqual({ abc2: 'k1', abc1: 'k2' });
  });

  test('by its expiry date alone if Graph shows no hint', () => {
    expect(matched([own('abc', { endTime: END })], [entry('k1', undefined)]).matches).toEqual({ abc: 'k1' });
  });

  test('twice, if the vault has the same secret twice', () => {
    const ours = [own('abc1', { identity: 'same' }), own('abc2', { identity: 'same', mayBeRenewed: true })];
    expect(matched(ours, [entry('k1', 'abc')])).toEqual({
      matches: { abc1: 'k1', abc2: 'k1' },
      missing: [],
      unknown: [],
    });
  });
});

describe('ambiguous entries', () => {
  test('equal ones are neither matched nor unknown', () => {
    const ours = [own('abc1', { endTime: END }), own('abc2', { endTime: END })];
    const theirs = [entry('k1', 'abc'), entry('k2', 'abc')];
    expect(matched(ours, theirs)).toEqual({ matches: {}, missing: [], unknown: [] });
  });

  test('an entry without a hint is not unknown while a credential is unmatched', () => {
    const theirs = [entry('k1', undefined), entry('k2', 'abc')];
    expect(matched([own('abc'), own('xyz')], theirs)).toMatchObject({ matches: { abc: 'k2' }, unknown: [] });
    expect(matched([own('abc')], theirs)).toMatchObject({ matches: { abc: 'k2' }, unknown: ['k1'] });
  });

  test('another entry with the hint does not replace a missing key id', () => {
    expect(matched([own('abc', { keyId: 'k1' })], [entry('k2', 'abc')])).toEqual({
      matches: {},
      missing: ['abc'],
      unknown: ['k2'],
    });
  });
});

describe('a secret that stays in a key vault', () => {
  const reference = own('ref', { keyId: 'k1', mark: 'new', mayBeRenewed: true });

  test('is matched again after its value was renewed', () => {
    const theirs = [entry('k1', 'old'), entry('k2', 'new')];
    expect(matched([reference], theirs)).toEqual({ matches: { ref: 'k2' }, missing: [], unknown: ['k1'] });
  });

  test('keeps its key id while it cannot be read', () => {
    expect(matched([{ ...reference, mark: undefined }], [entry('k1', 'old')]).matches).toEqual({ ref: 'k1' });
  });

  test('is missing if neither its key id nor its value is listed', () => {
    expect(matched([reference], [])).toEqual({ matches: {}, missing: ['ref'], unknown: [] });
  });
});

// Few values, so that they collide.
const marks = fc.option(fc.constantFrom('abc', 'abd', 'xyz'), { nil: undefined });
const kinds = fc.constantFrom('CLIENT_SECRET' as const, 'CERTIFICATE' as const);
const ends = fc.option(
  fc.nat(3).map((days) => END + days * DAY),
  { nil: undefined },
);
const keyIds = fc.nat(8).map((number) => `k${number}`);
const someOfOurs = fc.uniqueArray(
  fc.record({
    uid: fc.nat(20).map(String),
    kind: kinds,
    keyId: fc.option(keyIds, { nil: undefined }),
    mark: marks,
    endTime: ends,
    mayBeRenewed: fc.boolean(),
  }),
  { selector: ({ uid }) => uid, maxLength: 6 },
);
const ours = someOfOurs.map((all) => all.map((one): OwnCredential => ({ ...one, identity: one.uid })));
const theirs = fc.uniqueArray(fc.record({ keyId: keyIds, kind: kinds, mark: marks, endTime: ends }), {
  selector: ({ keyId }) => keyId,
  maxLength: 6,
});

describe('for any registration', () => {
  test('matches are unique and consistent, and each entry is in at most one result', () => {
    fc.assert(
      fc.property(ours, theirs, (ours, theirs) => {
        const { matches, missing, unknown } = matchRegistered(ours, theirs);
        const entries = [...matches.values()];
        expect(new Set(entries).size).toBe(entries.length);
        expect(unknown.filter((entry) => entries.includes(entry))).toEqual([]);
        for (const [uid, entry] of matches) {
          const one = ours.find((other) => other.uid === uid);
          expect(entry.kind).toBe(one?.kind);
          if (one?.mark !== undefined && entry.mark !== undefined) expect(entry.mark).toBe(one.mark);
          expect(missing.has(uid)).toBe(false);
          // An id that was learned once is never exchanged for another.
          if (one?.keyId !== undefined && !one.mayBeRenewed) expect(entry.keyId).toBe(one.keyId);
        }
      }),
    );
  });

  test("an entry that may be the vault's is never unknown", () => {
    fc.assert(
      fc.property(ours, theirs, (ours, theirs) => {
        const { matches, missing, unknown } = matchRegistered(ours, theirs);
        const unfound = ours.filter(
          ({ uid, mayBeRenewed }) => !matches.has(uid) && (!missing.has(uid) || mayBeRenewed),
        );
        for (const { kind, mark } of unknown) {
          const alike = unfound.filter((one) => one.kind === kind && (one.mark === mark || !one.mark || !mark));
          expect(alike).toEqual([]);
        }
      }),
    );
  });

  test('the order does not matter', () => {
    const shuffled = fc
      .tuple(ours, theirs)
      .chain(([ours, theirs]) =>
        fc.tuple(
          fc.constant([ours, theirs] as const),
          fc.shuffledSubarray(ours, { minLength: ours.length }),
          fc.shuffledSubarray(theirs, { minLength: theirs.length }),
        ),
      );
    fc.assert(
      fc.property(shuffled, ([[ours, theirs], otherOurs, otherTheirs]) => {
        const sorted = (found: ReturnType<typeof matched>) => ({
          matches: found.matches,
          missing: found.missing.toSorted(),
          unknown: found.unknown.toSorted(),
        });
        expect(sorted(matched(otherOurs, otherTheirs))).toEqual(sorted(matched(ours, theirs)));
      }),
    );
  });

  test('with distinct hints, each is matched, and the rest is unknown', () => {
    const secrets = fc.uniqueArray(
      fc.record({ mark: fc.string({ minLength: 3, maxLength: 3 }), isOurs: fc.boolean() }),
      {
        selector: ({ mark }) => mark,
      },
    );
    fc.assert(
      fc.property(secrets, (secrets) => {
        const ours = secrets.filter(({ isOurs }) => isOurs).map(({ mark }) => own(mark, { mark, identity: mark }));
        const theirs = secrets.map(({ mark }) => entry(`key of ${mark}`, mark));
        const found = matched(ours, theirs);
        expect(found.matches).toEqual(Object.fromEntries(ours.map(({ uid }) => [uid, `key of ${uid}`])));
        expect(found.unknown).toEqual(secrets.filter(({ isOurs }) => !isOurs).map(({ mark }) => `key of ${mark}`));
      }),
    );
  });
});

test('expiry dates are equal within a day', () => {
  const ours = (endTime: number) => [own('abc1', { endTime }), own('abc2', { endTime: END + 300 * DAY })];
  const theirs = [entry('k1', 'abc'), entry('k2', 'abc', { endTime: END + 600 * DAY })];
  expect(matched(ours(END + SAME_EXPIRY), theirs).matches).toMatchObject({ abc1: 'k1' });
  expect(matched(ours(END + SAME_EXPIRY + 1), theirs).matches).toEqual({});
});
