import { expect, test } from 'vitest';
import { createKeyedMutex } from '../../src/model/keyed_mutex.ts';
import { createSingleFlight } from '../../src/model/single_flight.ts';

test('work of one key in progress is shared, also if it fails, and that of another key is not', async () => {
  const flights = createSingleFlight<string>();
  const gate = Promise.withResolvers<string>();
  let begun = 0;
  const work = () => {
    begun += 1;
    return gate.promise;
  };

  const shared = [flights.run('a', work), flights.run('a', work), flights.run('b', work)];
  expect([shared[0] === shared[1], begun]).toEqual([true, 2]);
  gate.reject(new Error('queued by the test'));
  for (const one of shared) await expect(one).rejects.toThrow('queued by the test');

  expect(await flights.run('a', async () => 'again')).toBe('again');
});

test('all work has settled when none is in progress, also what began meanwhile', async () => {
  const flights = createSingleFlight<string>();
  const done: string[] = [];
  const end = (name: string) => done.push(name);
  const first = flights.run('first', async () => {
    await new Promise((resolve) => setImmediate(resolve));
    void flights.run('second', async () => {
      await new Promise((resolve) => setImmediate(resolve));
      end('second');
      return '';
    });
    end('first');
    throw new Error('queued by the test');
  });
  first.catch(() => {});

  await flights.settled();

  expect(done).toEqual(['first', 'second']);
  await flights.settled();
});

test('work of one key runs one after the other, also after a failure, and that of another key at once', async () => {
  const oneAtATime = createKeyedMutex<string>();
  const gate = Promise.withResolvers<void>();
  const begun: string[] = [];
  const work =
    (name: string, outcome: Promise<unknown> = Promise.resolve()) =>
    async () => {
      begun.push(name);
      await outcome;
      return name;
    };

  const failing = oneAtATime('a', work('first', gate.promise));
  const next = oneAtATime('a', work('second'));
  const other = oneAtATime('b', work('other'));
  expect(await other).toBe('other');
  expect(begun).toEqual(['first', 'other']);
  gate.reject(new Error('queued by the test'));

  await expect(failing).rejects.toThrow('queued by the test');
  expect(await next).toBe('second');
  expect(await oneAtATime('a', work('third'))).toBe('third');
});

test('work waits for that before it, although earlier work has ended meanwhile', async () => {
  const oneAtATime = createKeyedMutex<void>();
  const second = Promise.withResolvers<void>();
  const first = oneAtATime('a', async () => {});
  const waiting = oneAtATime('a', () => second.promise);
  await first;
  await new Promise((resolve) => setImmediate(resolve));
  let hasBegun = false;

  const third = oneAtATime('a', async () => {
    hasBegun = true;
  });
  await new Promise((resolve) => setImmediate(resolve));

  expect(hasBegun).toBe(false);
  second.resolve();
  await Promise.all([waiting, third]);
});
