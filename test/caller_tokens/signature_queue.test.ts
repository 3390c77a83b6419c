import { expect, test } from 'vitest';
import { createSignatureQueue } from '../../src/caller_tokens/signature_queue.ts';

/** A queue whose verifications end when the test says so. `started` has them in order. */
function openQueue() {
  const queue = createSignatureQueue();
  const started: string[] = [];
  const ends = new Map<string, PromiseWithResolvers<string>>();
  return {
    started,
    verify(connection: string, name: string): Promise<string> {
      const end = Promise.withResolvers<string>();
      ends.set(name, end);
      return queue.run(connection, () => {
        started.push(name);
        return end.promise;
      });
    },
    async accept(name: string) {
      ends.get(name)?.resolve(name);
      await settled();
    },
    async refuse(name: string) {
      ends.get(name)?.reject(new Error(name));
      await settled();
    },
  };
}

/** Lets the reactions of settled promises run. */
async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

test('two verifications run at once, and the next one starts when one of them ends', async () => {
  const { started, verify, accept } = openQueue();
  const results = ['a1', 'a2', 'a3', 'a4'].map((name) => verify('a', name));
  expect(started).toEqual(['a1', 'a2']);
  await accept('a2');
  expect(started).toEqual(['a1', 'a2', 'a3']);
  for (const name of ['a1', 'a3', 'a4']) await accept(name);
  expect(await Promise.all(results)).toEqual(['a1', 'a2', 'a3', 'a4']);
});

test('connections take turns, however many verifications one of them waits for', async () => {
  const { started, verify, accept } = openQueue();
  for (const name of ['a1', 'a2', 'a3', 'a4', 'a5']) void verify('a', name);
  for (const name of ['b1', 'b2']) void verify('b', name);
  void verify('c', 'c1');
  for (const name of ['a1', 'a2', 'a3', 'b1', 'c1']) await accept(name);
  expect(started).toEqual(['a1', 'a2', 'a3', 'b1', 'c1', 'a4', 'b2']);
});

test('a verification that fails passes its turn on', async () => {
  const { started, verify, accept, refuse } = openQueue();
  const failed = [verify('a', 'a1'), verify('a', 'a2')].map((result) => expect(result).rejects.toThrow());
  const next = verify('b', 'b1');
  await refuse('a1');
  await refuse('a2');
  await accept('b1');
  await Promise.all(failed);
  expect(await next).toBe('b1');
  // Both places are free again.
  for (const name of ['c1', 'c2', 'c3']) void verify('c', name);
  expect(started.slice(3)).toEqual(['c1', 'c2']);
});
