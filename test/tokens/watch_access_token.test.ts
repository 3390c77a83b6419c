import { expect, test } from 'vitest';
import type { ServedToken } from '../../src/tokens/access_token_service_interface.ts';
import { watchAccessToken } from '../../src/tokens/watch_access_token.ts';
import { ask } from './token_world.ts';

const tokenOf = (source: ServedToken['source'] = 'CACHE') =>
  ({ accessToken: { token: {} }, source }) as unknown as ServedToken;

/** A source of changes that counts its listeners. */
function createSource() {
  const listeners = new Set<() => void>();
  return {
    listeners,
    listen(listener: () => void) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    tick() {
      for (const listener of [...listeners]) listener();
    },
  };
}

function open() {
  const [timer, contained, rules] = [createSource(), createSource(), createSource()];
  const periods: number[] = [];
  const leaving = new AbortController();
  const counted: string[] = [];
  const parts = { get: (): ServedToken | Promise<ServedToken> => tokenOf(), gets: 0 };
  const ceilings = { rules: undefined, decided() {}, listen: rules.listen };
  const watch = watchAccessToken(ask('ada', { signal: () => leaving.signal, ceilings }), {
    getUncounted() {
      parts.gets += 1;
      return parts.get();
    },
    contained,
    timers: {
      sleep: () => Promise.resolve(),
      every(period, task) {
        periods.push(period);
        return timer.listen(task);
      },
    },
    metrics: { served: (source: string) => void counted.push(source) } as Parameters<
      typeof watchAccessToken
    >[1]['metrics'],
  });
  const listeners = () => [timer, contained, rules].map(({ listeners: { size } }) => size);
  return { timer, contained, rules, periods, leaving, counted, parts, watch, listeners };
}

/** Lets everything that can happen without a tick happen. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

test('the same token is reported once, also when it comes from the cache the next time', async () => {
  const { timer, leaving, parts, watch } = open();
  const first = tokenOf('ENTRA');
  parts.get = () => first;
  expect((await watch.next()).value).toBe(first);

  parts.get = () => ({ ...first, accessToken: { ...first.accessToken }, source: 'CACHE' });
  const pending = watch.next();
  await settled();
  timer.tick();
  await settled();
  leaving.abort();

  expect(await pending).toMatchObject({ done: true });
});

test('polls once a second, and reports each new token once', async () => {
  const { timer, periods, counted, parts, watch } = open();
  const first = tokenOf('DATABASE');
  parts.get = () => first;
  expect((await watch.next()).value).toBe(first);
  expect(periods).toEqual([1_000]);

  const second = tokenOf('ENTRA');
  const next = watch.next();
  await settled();
  parts.get = () => ({ ...first, source: 'CACHE' });
  timer.tick();
  await settled();
  expect(parts.gets).toBe(2);
  parts.get = () => second;
  timer.tick();
  expect((await next).value).toBe(second);
  expect(counted).toEqual(['DATABASE', 'ENTRA']);
});

test.each(['contained', 'rules'] as const)('looks again at once when %s change', async (source) => {
  const opened = open();
  await opened.watch.next();
  const next = opened.watch.next();
  await settled();
  opened[source].tick();
  await next;
  expect(opened.parts.gets).toBe(2);
});

test('ends when its caller leaves while it waits, and listens to nothing then', async () => {
  const { leaving, watch, listeners } = open();
  await watch.next();
  expect(listeners()).toEqual([1, 1, 1]);
  leaving.abort();
  expect(await watch.next()).toEqual({ done: true, value: undefined });
  expect(listeners()).toEqual([0, 0, 0]);
});

test('ends when its caller leaves in a wait that began before', async () => {
  const { leaving, parts, watch } = open();
  const token = tokenOf();
  parts.get = () => token;
  await watch.next();
  const next = watch.next();
  await settled();
  leaving.abort();
  expect((await next).done).toBe(true);
  expect(parts.gets).toBe(1);
});

test('ends without an error if its caller leaves during a refresh that fails', async () => {
  const { leaving, parts, watch, listeners } = open();
  const refresh = Promise.withResolvers<ServedToken>();
  parts.get = () => refresh.promise;
  const next = watch.next();
  leaving.abort();
  refresh.reject(new Error('given up'));
  expect((await next).done).toBe(true);
  expect(listeners()).toEqual([0, 0, 0]);
});

test('ends with the error when the connection is not served any more', async () => {
  const { parts, watch, listeners } = open();
  parts.get = () => Promise.reject(new Error('suspended'));
  await expect(watch.next()).rejects.toThrow('suspended');
  expect(listeners()).toEqual([0, 0, 0]);
});

test('asks for nothing if its caller has left before', async () => {
  const { leaving, parts, watch } = open();
  leaving.abort();
  expect((await watch.next()).done).toBe(true);
  expect(parts.gets).toBe(0);
});
