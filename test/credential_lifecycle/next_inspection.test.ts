import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  afterSuspension,
  type Inspected,
  needsProbe,
  nextInspection,
} from '../../src/credential_lifecycle/inspection/schedule_next_inspection.ts';
import { type Credential, NEVER } from '../../src/model/app_credential.ts';
import { DAY, HOUR, MINUTE } from '../../src/model/clock.ts';
import { rotationTime } from '../../src/model/secret_rotation_due.ts';
import { anApp, aSecret } from '../entra/fixtures.ts';

const NOW = Date.UTC(2026, 10, 22);

function credential(more: Partial<Credential> = {}): Credential {
  return aSecret('one', { verdict: 'VALID', expireTime: NOW + 100 * DAY, createTime: NOW - DAY, ...more }).credential;
}

function inspected(more: Partial<Inspected> = {}): Inspected {
  return {
    app: anApp(),
    credentials: [credential()],
    graph: 'REGISTERED',
    retryAfter: undefined,
    isIncomplete: false,
    canProbe: true,
    ...more,
  };
}

const restOf = (more: Partial<Inspected>) => nextInspection(inspected(more), NOW) - NOW;

describe('the next inspection', () => {
  const verdicts = fc.constantFrom('UNPROBED' as const, 'VALID' as const, 'REJECTED' as const);
  const kinds = fc.constantFrom('CLIENT_SECRET' as const, 'KEY_VAULT_SECRET' as const);
  const days = fc.integer({ min: -800 * 24, max: 800 * 24 }).map((hours) => NOW + hours * HOUR);
  const credentials = fc.array(
    fc
      .record({ kind: kinds, verdict: verdicts, expireTime: fc.option(days, { nil: undefined }), createTime: days })
      .map((more) => credential(more)),
    { maxLength: 4 },
  );
  const rotation = fc.option(fc.constant({ leadTime: 30 * DAY, secretLife: 180 * DAY }), { nil: undefined });
  const anything = fc.record({
    app: fc.record({ uid: fc.uuid(), rotation }).map((more) => anApp(more)),
    credentials,
    graph: fc.constantFrom('REGISTERED' as const, 'CLOSED' as const, 'OUTAGE' as const),
    retryAfter: fc.option(fc.nat(2 * HOUR), { nil: undefined }),
    isIncomplete: fc.boolean(),
    canProbe: fc.boolean(),
  });

  test('is in the future, and within little more than a week', () => {
    fc.assert(
      fc.property(anything, (any) => {
        const rest = nextInspection(any, NOW) - NOW;
        expect(rest).toBeGreaterThan(0);
        expect(rest).toBeLessThanOrEqual(7.7 * DAY);
      }),
    );
  });

  test('respects Retry-After, except for a due rotation', () => {
    fc.assert(
      fc.property(anything, (any) => {
        const rest = nextInspection({ ...any, app: anApp(), graph: 'OUTAGE', retryAfter: 2 * HOUR }, NOW) - NOW;
        expect(rest).toBeGreaterThanOrEqual(2 * HOUR);
      }),
    );
  });

  test('of many apps is spread', () => {
    const rests = Array.from({ length: 1_000 }, (_, index) => restOf({ app: anApp({ uid: `app-${index}` }) }));
    const inEachTenth = Array.from({ length: 10 }, (_, tenth) => {
      const from = (0.9 + 0.02 * tenth) * DAY;
      return rests.filter((rest) => rest >= from && rest < from + 0.02 * DAY).length;
    });
    expect(Math.min(...inEachTenth)).toBeGreaterThan(60);
  });

  test('is in an hour after an outage, unless Entra rejects all credentials anyway', () => {
    expect(restOf({ graph: 'OUTAGE' })).toBe(HOUR);
    expect(restOf({ graph: 'OUTAGE', credentials: [credential({ verdict: 'REJECTED' })] })).toBeGreaterThan(DAY);
    expect(restOf({ graph: 'OUTAGE', credentials: [credential({ verdict: 'REJECTED' }), credential()] })).toBe(HOUR);
    expect(restOf({ isIncomplete: true })).toBe(HOUR);
  });

  test('of a reference is before its expiry, and hourly from then on', () => {
    const expiringIn = (rest: number) =>
      restOf({ credentials: [credential(), credential({ kind: 'KEY_VAULT_SECRET', expireTime: NOW + rest })] });
    expect(expiringIn(5 * HOUR)).toBe(4 * HOUR);
    expect(expiringIn(MINUTE)).toBe(HOUR);
    expect(expiringIn(-3 * DAY)).toBe(HOUR);
    expect(expiringIn(5 * DAY)).toBeGreaterThan(0.8 * DAY);
    expect(restOf({ credentials: [credential({ expireTime: NOW - DAY })] })).toBeGreaterThan(0.8 * DAY);
  });

  test('is in five minutes while a credential is new and unproved, if it can be probed', () => {
    const young = [credential({ verdict: 'UNPROBED', createTime: NOW - 50 * MINUTE })];
    expect(restOf({ credentials: young })).toBe(5 * MINUTE);
    expect(restOf({ credentials: young, canProbe: false })).toBeGreaterThan(0.8 * DAY);
    const older = [credential({ verdict: 'UNPROBED', createTime: NOW - 70 * MINUTE })];
    expect(restOf({ credentials: older })).toBeGreaterThan(0.8 * DAY);
    const settled = [credential({ verdict: 'UNPROBED', createTime: NOW - HOUR }), credential({ createTime: NOW })];
    expect(restOf({ credentials: settled })).toBeGreaterThan(0.8 * DAY);
    expect(restOf({ credentials: [...settled, ...young] })).toBe(5 * MINUTE);
  });

  test.each<[string, Partial<Inspected>]>([
    ['that Graph shows', { graph: 'REGISTERED' }],
    ['with a secret in a key vault', { credentials: [credential(), credential({ kind: 'KEY_VAULT_SECRET' })] }],
    ['with a certificate in a key vault', { credentials: [credential({ kind: 'KEY_VAULT_CERTIFICATE' })] }],
    ['that the vault rotates', { app: anApp({ rotation: { leadTime: DAY, secretLife: 180 * DAY } }) }],
  ])('of an app %s is daily', (_, more) => {
    expect(restOf({ graph: 'CLOSED', ...more })).toBeLessThan(1.2 * DAY);
  });

  test('of another app is weekly, and so is that of a suspended one', () => {
    expect(restOf({ graph: 'CLOSED' })).toBeGreaterThan(6 * DAY);
    const rest = afterSuspension(anApp(), NOW) - NOW;
    expect([rest > 6 * DAY, rest < 8 * DAY]).toEqual([true, true]);
  });

  test('of an app whose rotation is due just now is later', () => {
    const app = anApp({ rotation: { leadTime: 100 * DAY, secretLife: 180 * DAY } });
    const preferred = credential({ preferTime: NOW - DAY });
    expect(rotationTime(app, [preferred], NOW)).toBe(NOW);
    expect(restOf({ app, credentials: [preferred] })).toBeGreaterThan(0);
  });
});

describe('a credential needs a probe', () => {
  test.each<[string, Partial<Credential>, boolean]>([
    ['where nobody knows what Entra thinks of it', { verdict: 'UNPROBED' }, true],
    ['where Entra refused it', { verdict: 'REJECTED' }, true],
    ['where its end is unknown', { expireTime: undefined }, true],
    ['where it never ends', { expireTime: NEVER }, true],
    ['not where it was used within the week', { expireTime: undefined, lastUsedTime: NOW - 5 * DAY }, false],
    ['where it was used longer ago', { expireTime: undefined, lastUsedTime: NOW - 6 * DAY }, true],
    ['not where Entra takes it, and its end is known', {}, false],
    ['not once it has ended', { verdict: 'REJECTED', expireTime: NOW - DAY }, false],
    ['not before it begins', { verdict: 'UNPROBED', notBefore: NOW + DAY }, false],
  ])('%s', (_, more, expected) => {
    expect(needsProbe(credential(more), new Set(), NOW)).toBe(expected);
  });

  test('if Entra no longer lists it', () => {
    expect(needsProbe(credential(), new Set(['one']), NOW)).toBe(true);
  });
});
