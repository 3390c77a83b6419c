import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createBoundedCache } from '../../src/model/bounded_cache.ts';
import { Secret } from '../../src/model/secret.ts';
import { createTokenCache, type TokenOwner } from '../../src/tokens/access_token_cache.ts';
import type { ServedToken } from '../../src/tokens/access_token_service_interface.ts';

const clock = { now: () => 0, monotonic: () => 0 };

function served(resource: string, expireTime = 1_000): ServedToken {
  const accessToken = {
    token: new Secret('token'),
    resource,
    permissions: [],
    expireTime,
    refreshTime: expireTime,
    correlationId: undefined,
  };
  return { accessToken, source: 'CACHE', connectionUid: undefined, subject: undefined };
}

const ownerOf = (number: number): TokenOwner => ({
  uid: `connection-${number}`,
  appUid: `app-${number % 3}`,
  tenantUid: `tenant-${number % 2}`,
});

const connections = fc.integer({ min: 0, max: 9 });
const step = fc.oneof(
  fc.record({ kind: fc.constant('put' as const), connection: connections, resource: fc.constantFrom('a', 'b') }),
  fc.record({ kind: fc.constant('connection' as const), uid: connections.map((number) => `connection-${number}`) }),
  fc.record({ kind: fc.constant('app' as const), uid: fc.constantFrom('app-0', 'app-1', 'app-2') }),
  fc.record({ kind: fc.constant('tenant' as const), uid: fc.constantFrom('tenant-0', 'tenant-1') }),
  fc.record({ kind: fc.constant('sweep' as const), now: fc.integer({ min: 0, max: 2_000 }) }),
);

test('keeps a bounded number of resources for each owner, the latest ones', () => {
  const cache = createTokenCache(1_000, clock);
  const resources = Array.from({ length: 500 }, (_, index) => `https://x.example/Path${index}`);

  for (const resource of resources) cache.open(ownerOf(1)).put(resource, served(resource));
  cache.open(ownerOf(2)).put('https://y.example', served('https://y.example'));

  const kept = resources.filter((resource) => cache.find('connection-1', resource, 0) !== undefined);
  expect(kept).toEqual(resources.slice(-32));
  expect(cache.find('connection-2', 'https://y.example', 0)).toBeDefined();
});

test('behaves as a plain map with drops', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const cache = createTokenCache(1_000, clock);
      const model = new Map<string, { owner: TokenOwner; served: ServedToken }>();
      for (const one of steps) {
        if (one.kind === 'put') {
          const owner = ownerOf(one.connection);
          const token = served(one.resource, 1_000);
          cache.open(owner).put(one.resource, token);
          model.set(`${owner.uid} ${one.resource}`, { owner, served: token });
        } else if (one.kind === 'sweep') {
          cache.sweep(one.now);
          if (one.now >= 1_000) model.clear();
        } else {
          cache.drop(one);
          for (const [key, { owner }] of model) {
            if ([owner.uid, owner.appUid, owner.tenantUid].includes(one.uid)) model.delete(key);
          }
        }
      }
      for (let number = 0; number < 10; number++) {
        for (const resource of ['a', 'b']) {
          const found = cache.find(`connection-${number}`, resource, 0)?.served;
          expect(found).toBe(model.get(`connection-${number} ${resource}`)?.served);
        }
      }
    }),
  );
});

test('a token whose owner was dropped during the fetch is not cached', () => {
  const cache = createTokenCache(10, clock);
  for (const change of [
    { kind: 'connection', uid: 'connection-1' },
    { kind: 'app', uid: 'app-1' },
    { kind: 'tenant', uid: 'tenant-1' },
  ] as const) {
    const fill = cache.open(ownerOf(1));
    const other = cache.open(ownerOf(2));
    cache.drop(change);
    fill.put('a', served('a'));
    other.put('a', served('a'));

    expect(cache.find('connection-1', 'a', 0)).toBeUndefined();
    expect(cache.find('connection-2', 'a', 0)).toBeDefined();
  }
});

test('never holds more than its limit, and always the half that was used last', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 300 }), (keys) => {
      const map = createBoundedCache<number, number>(20);
      for (const key of keys) {
        if (map.get(key) === undefined) map.set(key, key);
        expect(map.size).toBeLessThanOrEqual(20);
      }
      // `find` makes an entry young, so the latest are read from the last on.
      const latest = [...new Set(keys.toReversed())].slice(0, 9);
      for (const key of latest) expect([...map.values()]).toContain(key);
    }),
  );
});
