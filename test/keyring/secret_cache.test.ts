import { describe, expect, test } from 'vitest';
import { createSecretCache, type FetchResult } from '../../src/keyring/secret_cache.ts';
import { HOUR, MINUTE, SECOND } from '../../src/model/clock.ts';
import { VaultError } from '../../src/model/errors.ts';
import { Secret } from '../../src/model/secret.ts';

const URI = 'https://acme.vault.azure.net/secrets/a';
const READ: FetchResult = {
  kind: 'read',
  secret: { value: new Secret('the-value'), version: 'v1', setTime: 0, notBefore: undefined, expireTime: undefined },
};
const away = (retryAfter?: number): FetchResult => ({
  kind: 'unavailable',
  failure: new VaultError('KEY_SOURCE_UNAVAILABLE', 'away', retryAfter === undefined ? {} : { retryAfter }),
});

const gone: FetchResult = { kind: 'unusable', failure: new VaultError('KEY_SOURCE_UNAVAILABLE', 'gone') };

/** A memory over a source that answers at once. */
function world() {
  const source = { asked: 0, answer: READ };
  const time = { now: 0 };
  const logged: string[] = [];
  const kept = createSecretCache({
    async fetch() {
      source.asked += 1;
      return source.answer;
    },
    clock: { now: () => time.now },
    log: { event: (_level, _name, fields) => void logged.push((fields as { message: string }).message) },
    capacity: 10,
  });
  return { source, time, kept, logged };
}

test('a failure is logged once until it changes or the secret can be read', async () => {
  const { source, time, kept, logged } = world();
  for (const answer of [away(), away(), gone, READ]) {
    source.answer = answer;
    await kept.read(URI).catch(() => {});
    time.now += HOUR;
  }
  expect(logged).toEqual(['away', 'gone', `${URI} can be read again`]);
});

describe('an unavailable source', () => {
  test.each([
    ['a minute without a Retry-After', undefined, MINUTE],
    ['its Retry-After', 10 * MINUTE, 10 * MINUTE],
    ['an hour at most', 100 * HOUR, HOUR],
  ])('gets no request for %s', async (_, retryAfter, pause) => {
    const { source, time, kept } = world();
    await kept.read(URI);
    source.answer = away(retryAfter);
    kept.invalidate(() => true);
    await kept.read(URI);
    expect(source.asked).toBe(2);

    time.now += pause - 1;
    await kept.read(URI);
    expect(source.asked).toBe(2);

    time.now += 1;
    await kept.read(URI);
    expect(source.asked).toBe(3);
  });

  describe('without a cached secret', () => {
    const known = async (answer: FetchResult) => {
      const { source, time, kept } = world();
      source.answer = answer;
      const read = async () => {
        const outcome = await kept.read(URI).then(
          () => 'read',
          () => 'failed',
        );
        return `${outcome} ${source.asked}`;
      };
      expect(await read()).toBe('failed 1');
      return { source, time, kept, read };
    };

    test.each([
      ['is unavailable', away(HOUR)],
      ['reports that there is no secret', gone],
    ])('and %s, gets no request for ten seconds', async (_, answer) => {
      const { source, time, read } = await known(answer);
      source.answer = READ;
      time.now += 10 * SECOND - 1;
      expect(await read()).toBe('failed 1');
    });

    test('gets requests in the background from then on, without a waiting reader', async () => {
      const { source, time, read } = await known(away());
      source.answer = READ;
      time.now += 10 * SECOND;
      expect(await read()).toBe('failed 2');
      await new Promise(setImmediate);
      expect(await read()).toBe('read 2');
    });

    test('delays the reader after a minute', async () => {
      const { source, time, read } = await known(away());
      source.answer = READ;
      time.now += MINUTE;
      expect(await read()).toBe('read 2');
    });

    test('delays the reader at once after an invalidation', async () => {
      const { source, kept, read } = await known(gone);
      source.answer = READ;
      kept.invalidate(() => true);
      expect(await read()).toBe('read 2');
    });
  });
});

test('an unexpected error in the background keeps the cached secret', async () => {
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
