import fc from 'fast-check';
import { expect, test } from 'vitest';
import { HOUR, MINUTE, SECOND } from '../../src/model/clock.ts';
import type { Connection } from '../../src/model/connection.ts';
import type { ResourceIssue } from '../../src/model/connection_resource_issue.ts';
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
          const stored = model.get(`connection-${number} ${resource}`)?.served;
          expect(found).toEqual(stored);
          expect(found?.accessToken.token).toBe(stored?.accessToken.token);
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

/** A cache with clocks that are set by the test: the wall clock and time that cannot be set. */
function opened() {
  const times = { wall: 100 * MINUTE, steady: 0 };
  const cache = createTokenCache(100, { now: () => times.wall, monotonic: () => times.steady });
  const expireTime = times.wall + 60 * MINUTE;
  const put = (resource: string, owner = ownerOf(1), soonestAhead?: number) =>
    cache.open(owner).put(resource, served(resource, expireTime), soonestAhead);
  const find = (resource: string, number = 1) => cache.find(`connection-${number}`, resource, times.wall);
  const pass = (duration: number) => {
    times.wall += duration;
    times.steady += duration;
  };
  return { cache, times, expireTime, put, find, pass };
}

test('a resource that is dropped leaves the others, and is not put back by a fetch from before', () => {
  const { cache, put, find } = opened();
  put('a');
  put('b');
  put('a', ownerOf(2));
  const [early, ofOther] = [cache.open(ownerOf(1)), cache.open(ownerOf(2))];
  const earlyToo = cache.open(ownerOf(1));

  cache.dropResource('connection-1', 'a');
  early.put('a', served('a'));
  earlyToo.put('b', served('b'));
  const theirs = served('a');
  ofOther.put('a', theirs);

  expect([find('a'), find('b'), find('a', 2)].map((one) => one !== undefined)).toEqual([false, true, true]);
  expect(find('a', 2)?.served).toEqual(theirs);
  for (const owner of ['connection-1', 'unknown']) cache.dropResource(owner, 'unknown');
  expect(find('b')).toBeDefined();
  put('c');
  cache.dropResource('connection-1', 'c');
  expect([find('b'), find('c')].map((one) => one !== undefined)).toEqual([true, false]);
});

test('a refused resource drops its token, a refused grant all of them', () => {
  const { cache, put, find } = opened();
  put('a');
  put('b');
  const issueOf = (state: string) => ({ state }) as unknown as ResourceIssue;
  const connection = { uid: 'connection-1', grantState: 'ACTIVE', resourceIssues: {} } as unknown as Connection;

  cache.dropRefused({ ...connection, resourceIssues: { a: issueOf('BLOCKED'), b: issueOf('ACTIVE') } });
  expect([find('a'), find('b')].map((one) => one !== undefined)).toEqual([false, true]);
  cache.dropRefused(connection);
  expect(find('b')).toBeDefined();
  cache.dropRefused({ ...connection, grantState: 'BLOCKED' });
  expect(find('b')).toBeUndefined();
});

test('a fetch puts one token, and none once it is closed or everything was dropped', () => {
  const { cache, put, find } = opened();
  const fill = cache.open(ownerOf(1));
  fill.put('a', served('a'));
  fill.put('b', served('b'));
  const [closed, cleared] = [cache.open(ownerOf(2)), cache.open(ownerOf(3))];
  closed.close();
  closed.put('a', served('a'));
  expect([find('a'), find('b'), find('a', 2)].map((one) => one !== undefined)).toEqual([true, false, false]);
  put('a', ownerOf(4));
  cache.clear();
  cleared.put('a', served('a'));

  expect(cache.size).toBe(0);
  expect([find('b'), find('a', 2), find('a', 3), find('a', 4)]).toEqual(Array(4).fill(undefined));
});

test('a change of other keys or of another owner drops no token', () => {
  const { cache, put, find } = opened();
  put('a');
  for (const kind of ['data_keys', 'tenant', 'app', 'connection'] as const) cache.drop({ kind, uid: 'another' });
  cache.drop({ kind: 'data_keys', uid: 'tenant-1' });
  expect(find('a')).toBeDefined();
});

test('a token is replaced ahead at its time, or later if it was just issued', () => {
  const { expireTime, put, find } = opened();
  put('a');
  expect(find('a')?.aheadTime).toBe(expireTime);
  put('a', ownerOf(1), expireTime + 1);
  expect(find('a')?.aheadTime).toBe(expireTime + 1);
  put('a', ownerOf(1), 1);
  expect(find('a')?.aheadTime).toBe(expireTime);
});

test('a token that is put again counts as the latest', () => {
  const { put, find } = opened();
  put('first');
  for (let i = 0; i < 31; i++) put(`r${i}`);
  put('first');
  put('new');
  expect(find('first')).toBeDefined();
  expect(find('r0')).toBeUndefined();
  expect(find('r1')).toBeDefined();
});

test('a clock that is set back by more than 5 s moves the times of a token, and keeps its remaining lifetime', () => {
  const { times, expireTime, put, find, pass } = opened();
  put('a');
  const before = find('a')?.served;

  times.wall -= 5 * SECOND;
  pass(SECOND);
  expect(find('a')?.served).toBe(before);

  times.wall -= 10 * MINUTE;
  pass(SECOND);
  const step = 10 * MINUTE + 5 * SECOND;
  const moved = find('a');
  expect(moved?.served.accessToken).toMatchObject({ expireTime: expireTime - step, refreshTime: expireTime - step });
  expect(moved?.aheadTime).toBe(expireTime - step);
  // Moved once.
  pass(SECOND);
  expect(find('a')?.served).toBe(moved?.served);
});

test('the steady clock is read once a second', () => {
  let reads = 0;
  let now = 100 * MINUTE;
  const cache = createTokenCache(100, {
    now: () => now,
    monotonic: () => {
      reads += 1;
      return now;
    },
  });
  cache.open(ownerOf(1)).put('a', served('a', now + HOUR));
  for (let i = 0; i < 10; i++) cache.find('connection-1', 'a', now);
  expect(reads).toBe(2);
  now += SECOND - 1;
  cache.find('connection-1', 'a', now);
  expect(reads).toBe(2);
  now += 1;
  cache.find('connection-1', 'a', now);
  expect(reads).toBe(3);
});

test('expired tokens are removed, each at its own time, by the expiry that is stored', () => {
  const { cache, times, expireTime, put, find, pass } = opened();
  put('a');
  cache.open(ownerOf(1)).put('b', served('b', expireTime + 1));
  times.wall -= MINUTE;
  pass(SECOND);
  find('a');
  cache.sweep(expireTime - 1);
  expect(find('a')).toBeDefined();
  cache.sweep(expireTime);
  expect([find('a'), find('b')].map((one) => one !== undefined)).toEqual([false, true]);
  expect(cache.size).toBe(1);
  cache.sweep(expireTime + 1);
  expect(cache.size).toBe(0);
});
