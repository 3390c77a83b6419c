import { afterAll, beforeAll, expect, test } from 'vitest';
import { balanceReplicas } from './balanced_replicas.ts';
import { retried, startCallers } from './calls.ts';
import { type Replicas, startReplicas } from './replicas.ts';

const COUNT = 3;

let replicas: Replicas;
beforeAll(async () => {
  replicas = await startReplicas({ count: 0 });
});
afterAll(() => replicas.close());

test('a rolling restart of three replicas under load fails no call of a client that retries', async () => {
  const { start, clients: balanced, reached } = await balanceReplicas(replicas, COUNT);
  const running = await Promise.all(Array.from({ length: COUNT }, (_, index) => start(index)));
  await replicas.register();
  const clients = balanced();
  const connection = await replicas.connect('ada', undefined, { clients });
  const readers = startCallers(3, () =>
    retried(() => clients.tokens.getAccessToken({ connection, scopes: ['Mail.ReadOnly'] })),
  );
  let written = 0;
  const writers = startCallers(2, () =>
    retried(() => replicas.connect(`written-${written++}`, undefined, { clients })),
  );

  for (const [index, { program }] of running.entries()) {
    await readers.more(50);
    expect((await program.stop()).code).toBe(0);
    await readers.more(50);
    await reached(await start(index));
    await writers.more(10);
  }

  expect(Object.keys(await readers.stop())).toEqual(['OK']);
  expect(Object.keys(await writers.stop())).toEqual(['OK']);
  clients.close();
});
