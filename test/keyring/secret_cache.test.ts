import { describe, expect, test } from 'vitest';
import { createSecretCache, type FetchResult } from '../../src/keyring/keyvault_client_secret_cache.ts';
import { HOUR, MINUTE, SECOND } from '../../src/model/clock.ts';
import { VaultError } from '../../src/model/errors.ts';
import { Secret } from '../../src/model/secret.ts';

const URI = 'https://acme.vault.azure.net/secrets/a';
const READ: FetchResult = {
  kind: 'read',
  secret: { value: new Secret('the-value'), version: 'v1', setTime: 0, notBefore: undefined, expireTime: undefined },
};
const unavailable = (retryAfter?: number): FetchResult => ({
  kind: 'unavailable',
  failure: new VaultError('KEY_SOURCE_UNAVAILABLE', 'away', retryAfter === undefined ? {} : { retryAfter }),
});

const missing: FetchResult = { kind: 'unusable', failure: new VaultError('KEY_SOURCE_UNAVAILABLE', 'gone') };

/** A cache over a source that responds at once. */
function setUp() {
  let held: Promise<void> | undefined;
  const source = {
    fetches: 0,
    answer: READ,
    /** The next fetch answers, as the source would now, only once this is called. */
    holdNext() {
      const { promise, resolve } = Promise.withResolvers<void>();
      held = promise;
      return resolve;
    },
  };
  const time = { now: 0 };
  const logged: string[] = [];
  const cache = createSecretCache({
    async fetch() {
      source.fetches += 1;
      const { answer } = source;
      const wait = held;
      held = undefined;
      await wait;
      return answer;
    },
    clock: { now: () => time.now },
    log: { event: (level, name, fields) => void logged.push(`${level} ${name} ${JSON.stringify(fields)}`) },
    capacity: 10,
  });
  return { source, time, cache, logged };
}

test('a failure is logged once until it changes or the secret can be read', async () => {
  const { source, time, cache, logged } = setUp();
  for (const answer of [unavailable(), unavailable(), missing, READ]) {
    source.answer = answer;
    await cache.read(URI).catch(() => {});
    time.now += HOUR;
  }
  expect(logged).toEqual([
    `warn key_vault_secret_unavailable {"uri":"${URI}","message":"away"}`,
    `warn key_vault_secret_unavailable {"uri":"${URI}","message":"gone"}`,
    `info key_vault_secret_recovered {"uri":"${URI}"}`,
  ]);
});

test('a secret that is stale is logged once, and again after it was read', async () => {
  const { source, time, cache, logged } = setUp();
  for (const answer of [READ, unavailable(), unavailable(), READ, READ, unavailable()]) {
    source.answer = answer;
    await cache.read(URI);
    await new Promise(setImmediate);
    time.now += HOUR;
  }
  const stale = `warn key_vault_secret_stale {"uri":"${URI}","message":"away"}`;
  expect(logged).toEqual([stale, `info key_vault_secret_recovered {"uri":"${URI}"}`, stale]);
});

test('a secret that can be read after a failure is logged, also if a change was reported meanwhile', async () => {
  const { source, cache, logged } = setUp();
  source.answer = missing;
  await cache.read(URI).catch(() => {});
  cache.invalidate(() => true);
  source.answer = READ;
  await cache.read(URI);
  expect(logged.map((line) => line.split(' ')[1])).toEqual([
    'key_vault_secret_unavailable',
    'key_vault_secret_recovered',
  ]);
});

test('an invalidation reports whether a secret was cached, not whether one was sought', async () => {
  const { source, cache } = setUp();
  expect(cache.invalidate(() => true)).toBe(false);
  source.answer = missing;
  await cache.read(URI).catch(() => {});
  expect(cache.invalidate(() => true)).toBe(false);
  source.answer = READ;
  await cache.read(URI);
  expect(cache.invalidate(() => false)).toBe(false);
  expect(cache.invalidate(() => true)).toBe(true);
});

test.each([
  ['unavailable', unavailable(HOUR)],
  ['unusable', missing],
])('a result that is %s says nothing if it was sought before an invalidation', async (_, late) => {
  const { source, cache, logged, time } = setUp();
  await cache.read(URI);
  const release = source.holdNext();
  source.answer = late;
  time.now += HOUR;
  await cache.read(URI);
  cache.invalidate(() => true);
  source.answer = READ;
  const during = cache.read(URI);
  release();
  expect((await during).version).toBe('v1');
  await new Promise(setImmediate);
  expect((await cache.read(URI)).version).toBe('v1');
  expect([logged, source.fetches]).toEqual([[], 3]);
});

test('a fetch that ends does not let a second one start beside a newer one', async () => {
  const { source, cache } = setUp();
  const releaseFirst = source.holdNext();
  const first = cache.read(URI);
  cache.invalidate(() => true);
  const releaseSecond = source.holdNext();
  const second = cache.read(URI);
  releaseFirst();
  await first;
  await new Promise(setImmediate);
  const third = cache.read(URI);
  releaseSecond();
  await Promise.all([second, third]);
  expect(source.fetches).toBe(2);
});

describe('an unavailable source', () => {
  test.each([
    ['a minute without a Retry-After', undefined, MINUTE],
    ['its Retry-After', 10 * MINUTE, 10 * MINUTE],
    ['an hour at most', 100 * HOUR, HOUR],
  ])('gets no request for %s', async (_, retryAfter, pause) => {
    const { source, time, cache } = setUp();
    await cache.read(URI);
    source.answer = unavailable(retryAfter);
    cache.invalidate(() => true);
    await cache.read(URI);
    expect(source.fetches).toBe(2);

    time.now += pause - 1;
    await cache.read(URI);
    expect(source.fetches).toBe(2);

    time.now += 1;
    await cache.read(URI);
    expect(source.fetches).toBe(3);
  });

  describe('without a cached secret', () => {
    const known = async (answer: FetchResult) => {
      const { source, time, cache } = setUp();
      source.answer = answer;
      const read = async () => {
        const outcome = await cache.read(URI).then(
          () => 'read',
          () => 'failed',
        );
        return `${outcome} ${source.fetches}`;
      };
      expect(await read()).toBe('failed 1');
      return { source, time, cache, read };
    };

    test.each([
      ['is unavailable', unavailable(HOUR)],
      ['reports that there is no secret', missing],
    ])('and %s, gets no request for ten seconds', async (_, answer) => {
      const { source, time, read } = await known(answer);
      source.answer = READ;
      time.now += 10 * SECOND - 1;
      expect(await read()).toBe('failed 1');
    });

    test('gets requests in the background from then on, without a waiting reader', async () => {
      const { source, time, read } = await known(unavailable());
      source.answer = READ;
      time.now += 10 * SECOND;
      expect(await read()).toBe('failed 2');
      await new Promise(setImmediate);
      expect(await read()).toBe('read 2');
    });

    test('delays the reader after a minute', async () => {
      const { source, time, read } = await known(unavailable());
      source.answer = READ;
      time.now += MINUTE;
      expect(await read()).toBe('read 2');
    });

    test('delays the reader at once after an invalidation', async () => {
      const { source, cache, read } = await known(missing);
      source.answer = READ;
      cache.invalidate(() => true);
      expect(await read()).toBe('read 2');
    });
  });
});

test('an unexpected error in the background keeps the cached secret', async () => {
  const { source, time, cache } = setUp();
  await cache.read(URI);
  Object.defineProperty(source, 'answer', {
    get() {
      throw new TypeError('a mistake');
    },
  });
  time.now += HOUR;

  await cache.read(URI);
  await new Promise(setImmediate);

  expect((await cache.read(URI)).version).toBe('v1');
});
