import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { reasonOf } from '../scenarios/start_scenario.ts';
import type { VaultProgram } from '../scenarios/vault_program.ts';
import { startCallers } from './calls.ts';
import { type Replicas, startReplicas } from './replicas.ts';

let replicas: Replicas;
let connection: string;
beforeAll(async () => {
  replicas = await startReplicas({ count: 2 });
  await replicas.register();
  connection = await replicas.connect('ada');
});
afterAll(() => replicas.close());

const readiness = async ({ addresses }: VaultProgram) => (await fetch(`http://${addresses.ops}/readyz`)).status;
const allReady = () => Promise.all(replicas.all.map(({ program }) => readiness(program)));

test.each(['SIGINT', 'SIGQUIT', 'SIGKILL'] as const)(
  'cached tokens flow while the database restarts after %s, and writes return by themselves',
  async (signal) => {
    const [one, other] = replicas.all;
    const ask = (replica: typeof one) =>
      replica?.clients.tokens.getAccessToken({ connection, scopes: ['Mail.ReadOnly'] });
    await Promise.all([ask(one), ask(other)]);
    let turn = 0;
    const write = () => replicas.connect(`${signal.toLowerCase()}-${turn++}`, undefined, turn % 2 === 0 ? one : other);
    const readers = startCallers(10, async () => ask(turn++ % 2 === 0 ? one : other));
    const writers = startCallers(4, write);
    await readers.more(100);
    await writers.more(10, 'OK');

    await replicas.server.stop(signal);
    await vi.waitFor(async () => expect(await allReady()).toEqual([503, 503]), { timeout: 30_000 });
    await readers.more(100);
    await writers.more(2, 'DATABASE_UNAVAILABLE');
    await replicas.server.restart();

    await writers.more(20, 'OK');
    await vi.waitFor(async () => expect(await allReady()).toEqual([200, 200]), { timeout: 30_000 });
    expect(Object.keys(await readers.stop())).toEqual(['OK']);
    expect(Object.keys(await writers.stop()).toSorted()).toEqual(['DATABASE_UNAVAILABLE', 'OK']);
    expect(await reasonOf(replicas.connect('linus'))).toBe('OK');
    expect(replicas.all.map(({ program }) => program.child.exitCode)).toEqual([null, null]);
  },
);
