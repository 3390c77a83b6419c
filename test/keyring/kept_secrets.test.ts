import { describe, expect, test } from 'vitest';
import { createKeptSecrets, type Found } from '../../src/keyring/kept_secrets.ts';
import { HOUR, MINUTE } from '../../src/model/clock.ts';
import { VaultError } from '../../src/model/errors.ts';
import { Secret } from '../../src/model/secret.ts';
import { silentLog } from '../../src/telemetry/log.ts';

const URI = 'https://acme.vault.azure.net/secrets/a';
const READ: Found = {
  kind: 'read',
  secret: { value: new Secret('the-value'), version: 'v1', setTime: 0, notBefore: undefined, expireTime: undefined },
};
const away = (retryAfter?: number): Found => ({
  kind: 'away',
  failure: new VaultError('KEY_SOURCE_UNAVAILABLE', 'away', retryAfter === undefined ? {} : { retryAfter }),
});

/** A memory over a source that answers at once. */
function world() {
  const source = { asked: 0, answer: READ };
  const time = { now: 0 };
  const kept = createKeptSecrets({
    async find() {
      source.asked += 1;
      return source.answer;
    },
    clock: { now: () => time.now },
    log: silentLog,
    capacity: 10,
  });
  return { source, time, kept };
}

describe('a source that is away', () => {
  test.each([
    ['a minute, where it does not say when to come again', undefined, MINUTE],
    ['as long as it wants', 10 * MINUTE, 10 * MINUTE],
    ['an hour at most', 100 * HOUR, HOUR],
  ])('is left alone for %s', async (_, retryAfter, pause) => {
    const { source, time, kept } = world();
    await kept.read(URI);
    source.answer = away(retryAfter);
    kept.doubt(() => true);
    await kept.read(URI);
    expect(source.asked).toBe(2);

    time.now += pause - 1;
    await kept.read(URI);
    expect(source.asked).toBe(2);

    time.now += 1;
    await kept.read(URI);
    expect(source.asked).toBe(3);
  });

  test('is asked each time for what it never told', async () => {
    const { source, kept } = world();
    source.answer = away(HOUR);

    await expect(kept.read(URI)).rejects.toThrow('away');
    await expect(kept.read(URI)).rejects.toThrow('away');
    source.answer = READ;

    expect((await kept.read(URI)).version).toBe('v1');
    expect(source.asked).toBe(3);
  });
});

test('a fault of our own in the background takes nothing away', async () => {
  const { source, time, kept } = world();
  await kept.read(URI);
  Object.defineProperty(source, 'answer', {
    get() {
      throw new TypeError('a mistake');
    },
  });
  time.now += HOUR;

  await kept.read(URI);
  await new Promise(setImmediate);

  expect((await kept.read(URI)).version).toBe('v1');
});
