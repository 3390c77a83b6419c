import { describe, expect, test } from 'vitest';
import { MINUTE } from '../../src/model/clock.ts';
import { type Reason, VaultError } from '../../src/model/errors.ts';
import { createClaimsChallenges } from '../../src/tokens/answered_claims_challenges.ts';

const START = Date.parse('2026-05-01T12:00:00Z');

function opened() {
  const clock = { time: START, now: () => clock.time };
  const challenges = createClaimsChallenges(clock);
  async function answer(connectionUid: string, key: string, error?: VaultError): Promise<void> {
    const work = error === undefined ? Promise.resolve() : Promise.reject(error);
    challenges.recordAnswer(connectionUid, key, work);
    await work.catch(() => {});
  }
  return { ...challenges, clock, answer };
}

describe('an answered claims challenge', () => {
  test('forces the next refresh after a minute', async () => {
    const { clock, isAnswered, answer } = opened();
    expect(isAnswered('ada', 'k')).toBe(false);
    await answer('ada', 'k');

    clock.time = START + MINUTE - 1;
    expect(isAnswered('ada', 'k')).toBe(true);
    clock.time = START + MINUTE;
    expect(isAnswered('ada', 'k')).toBe(false);
  });

  test('forces a refresh if the clock was set back by a minute since', async () => {
    const { clock, isAnswered, answer } = opened();
    await answer('ada', 'k');

    clock.time = START - MINUTE + 1;
    expect(isAnswered('ada', 'k')).toBe(true);
    clock.time = START - MINUTE;
    expect(isAnswered('ada', 'k')).toBe(false);
  });

  test('concerns one connection, resource and text', async () => {
    const { keyOf, isAnswered, answer } = opened();
    await answer('ada', keyOf('https://graph.microsoft.com', '{"a":1}'));

    expect(isAnswered('ada', keyOf('https://graph.microsoft.com', '{"a":1}'))).toBe(true);
    expect(isAnswered('bob', keyOf('https://graph.microsoft.com', '{"a":1}'))).toBe(false);
    expect(isAnswered('ada', keyOf('https://outlook.office.com', '{"a":1}'))).toBe(false);
    expect(isAnswered('ada', keyOf('https://graph.microsoft.com', '{"a":2}'))).toBe(false);
  });

  test('is forgotten when its connection has changed', async () => {
    const { clear, isAnswered, answer } = opened();
    await answer('ada', 'k');
    await answer('bob', 'k');

    clear('ada');
    expect(isAnswered('ada', 'k')).toBe(false);
    expect(isAnswered('bob', 'k')).toBe(true);
  });

  test('is one of at most 16 of its connection; those of another connection stay', async () => {
    const { isAnswered, answer } = opened();
    await answer('bob', '1');
    const keys = Array.from({ length: 100 }, (_, at) => `${at + 1}`);
    for (const key of keys) await answer('ada', key);

    const kept = keys.filter((key) => isAnswered('ada', key));
    expect(kept.length).toBeLessThanOrEqual(16);
    expect(kept).toContain('100');
    expect(kept.length).toBeGreaterThanOrEqual(8);
    expect(isAnswered('bob', '1')).toBe(true);
  });
});

describe('a refused claims challenge', () => {
  test.each<Reason>(['REAUTHORIZATION_REQUIRED', 'CONSENT_REQUIRED', 'BLOCKED_BY_POLICY', 'FIELD_INVALID'])(
    'gets %s again for a minute',
    async (reason) => {
      const { clock, isAnswered, answer } = opened();
      const refusal = new VaultError(reason, 'refused');
      await answer('ada', 'k', refusal);

      expect(() => isAnswered('ada', 'k')).toThrow(refusal);
      clock.time = START + MINUTE;
      expect(isAnswered('ada', 'k')).toBe(false);
    },
  );

  test.each<Reason>(['ENTRA_UNAVAILABLE', 'DATABASE_UNAVAILABLE', 'INTERNAL'])(
    'is sent again after %s',
    async (reason) => {
      const { isAnswered, answer } = opened();
      await answer('ada', 'k', new VaultError(reason, 'failed'));
      expect(isAnswered('ada', 'k')).toBe(false);
    },
  );
});
