import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { EVENT_TYPES } from '../../src/model/event_data_format.ts';
import { RpcError } from '../../src/rpc/client_rpc_error.ts';
import { SECRET } from '../event_delivery/delivery_setup.ts';
import { type Receiver, startReceiver } from '../event_delivery/receiver.ts';
import { type CommitCuttingProxy, startCommitCuttingProxy } from '../postgres/commit_cutting_proxy.ts';
import { advanceClock } from '../scenarios/advance_clock.ts';
import type { VaultProgram } from '../scenarios/vault_program.ts';
import { temporaryFolder } from '../store/temporary_folder.ts';
import { retried } from './calls.ts';
import { pick, type Replica, type Replicas, startReplicas } from './replicas.ts';

const IS_LONG = process.env['REPLICAS'] === 'long';
const COUNT = IS_LONG ? 10_000 : 600;
const CALLERS = 24;
/** One commit of four is delayed. */
const delay = () => Math.max(0, randomInt(-300, 100));
const LAST = 'tenants/acme/connections/last';

let replicas: Replicas;
let proxies: CommitCuttingProxy[];
beforeAll(async () => {
  replicas = await startReplicas({ count: 0 });
  proxies = await Promise.all([1, 2, 3].map(() => startCommitCuttingProxy(replicas.server.port)));
});
afterAll(async () => {
  await replicas.close();
  await Promise.all(proxies.map((proxy) => proxy.close()));
});

/** Publishes events through random replicas; a new connection waits for no other commit. `onCall` runs before each call. */
async function publish(onCall: (call: number) => void): Promise<void> {
  let calls = 0;
  const caller = async () => {
    for (let active: string | undefined; calls < COUNT; ) {
      const call = calls++;
      onCall(call);
      if (active === undefined || call % 4 > 0) {
        active = await retried(() => replicas.connect(`mailbox-${call}`, undefined, pick(replicas.all)));
      } else {
        const name = active;
        await retried(() => pick(replicas.all).clients.connections.suspendConnection({ name }));
        active = undefined;
      }
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, caller));
}

/** Sinks for all events, which refuse some deliveries, and do not answer others. */
async function startSinks(count: number) {
  const folder = temporaryFolder();
  const file = join(folder, 'sinks.yaml');
  writeFileSync(join(folder, 'secret'), SECRET, { mode: 0o600 });
  const receivers = await Promise.all(Array.from({ length: count }, () => startReceiver(SECRET)));
  const sinks = receivers.map(({ url }, index) => ({
    id: `sink-${index}`,
    url,
    secret_file: 'secret',
    types: EVENT_TYPES,
  }));
  writeFileSync(file, JSON.stringify({ sinks }));
  return { file, accepted: receivers.map(acceptMost) };
}

/** Ids of the events that were accepted. */
function acceptMost(receiver: Receiver): ReadonlySet<string> {
  const accepted = new Set<string>();
  receiver.answer = ({ id }, response) => {
    const chance = randomInt(300);
    if (chance === 0) return void response.writeHead(503).end();
    if (chance === 1) return void response.destroy();
    accepted.add(id);
    if (chance === 2) return void response.destroy();
    response.writeHead(204).end();
  };
  return accepted;
}

interface Numbered {
  readonly id: string;
  readonly number: number;
}

/** Reads the stream up to the last event. Ends it again and again, and resumes it at a random replica. */
async function follow(): Promise<Numbered[]> {
  const received: Numbered[] = [];
  for (let cursor = '-'; ; ) {
    const request = { parent: 'tenants/-', cursor, types: [...EVENT_TYPES] };
    let left = 1 + randomInt(COUNT / 20);
    try {
      for await (const response of pick(replicas.all).clients.events.watchEvents(request)) {
        cursor = response.cursor;
        if (response.event !== undefined) received.push({ id: response.event.id, number: Number(cursor) });
        if (response.event?.subject === LAST) return received;
        if (--left === 0) break;
      }
    } catch (error) {
      if (!(error instanceof RpcError) || error.code !== 'UNAVAILABLE') throw error;
    }
  }
}

/** Kills the replica that numbers the events. */
async function killLeader(): Promise<void> {
  const [leader] = await replicas.query<{ uid: string; name: string }>(
    "SELECT uid, replicas.name AS name FROM leases JOIN replicas ON uid = owner WHERE leases.name = 'outbox'",
  );
  const index = replicas.all.findIndex(({ program }) => leader?.name.endsWith(`-${program.child.pid}`));
  const [killed] = replicas.all.splice(index, 1);
  if (index === -1 || killed === undefined) throw new RangeError('no replica numbers events');
  killed.program.child.kill('SIGKILL');
  await once(killed.program.child, 'close');
  killed.clients.close();
  // Otherwise the others would wait for the end of its leases.
  if (!IS_LONG) await replicas.query(`UPDATE leases SET until = 0 WHERE owner = '${leader?.uid}'`);
}

/** What is left to do after the last event. */
async function backlog(): Promise<Record<string, unknown>> {
  const [row] = await replicas.query(
    `SELECT (SELECT count(*) FROM outbox WHERE number IS NULL)::int AS unnumbered,
      (SELECT count(*) FROM deliveries)::int AS undelivered,
      (SELECT count(*) FROM sinks JOIN feed ON feed.name = 'outbox' WHERE cursor < position)::int AS behind`,
  );
  return row ?? {};
}

test(`${COUNT} events whose commits are delayed: two sinks and a resumed stream receive each`, {
  timeout: 20 * 60_000,
}, async () => {
  const { file, accepted } = await startSinks(2);
  const start = (proxy: CommitCuttingProxy): Promise<Replica<VaultProgram>> =>
    replicas.start({ DATABASE_URL: proxy.through(replicas.databaseUrl), SINKS_FILE: file });
  await Promise.all(proxies.map(start));
  await vi.waitFor(async () => expect(await replicas.query('SELECT FROM sinks')).toHaveLength(2), { timeout: 30_000 });
  await replicas.register();
  for (const proxy of proxies) proxy.delay(delay);

  let killing = Promise.resolve();
  let isLastPublished = false;
  const followed = follow();
  const publishing = publish((call) => {
    if (call === COUNT / 2) killing = killLeader();
  }).then(async () => {
    await killing;
    await retried(() => replicas.connect('last', undefined, pick(replicas.all)));
    isLastPublished = true;
  });
  const delivering = vi.waitFor(
    async () => {
      // A sink that failed is left alone for a while.
      await advanceClock(replicas.sandbox, 15_000);
      expect({ isLastPublished, ...(await backlog()) }).toEqual({
        isLastPublished: true,
        unnumbered: 0,
        undelivered: 0,
        behind: 0,
      });
    },
    { timeout: 15 * 60_000, interval: 500 },
  );
  const [received] = await Promise.all([followed, publishing, delivering]);

  const stored = await replicas.query<{ id: string; number: number; sequence: number }>(
    'SELECT uid AS id, number::int AS number, sequence::int AS sequence FROM outbox ORDER BY number',
  );
  expect(received).toEqual(stored.map(({ id, number }) => ({ id, number })));
  for (const ids of accepted) expect(ids).toEqual(new Set(stored.map(({ id }) => id)));
  expect(stored.length).toBeGreaterThanOrEqual(COUNT);
  expect(stored.map(({ number }) => number)).toEqual(stored.map((_, index) => index + 1));
  // Otherwise the delays have caused nothing.
  expect(stored.some(({ sequence }, index) => sequence < (stored[index - 1]?.sequence ?? 0))).toBe(true);
});
