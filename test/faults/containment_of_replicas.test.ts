import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { ContainmentService } from '../../src/gen/tokenvault/v1/containment_service_pb.ts';
import { createClient } from '../../src/rpc/grpc_client.ts';
import { startTcpProxy, type TcpProxy } from '../postgres/tcp_proxy.ts';
import { reasonOf } from '../scenarios/start_scenario.ts';
import type { VaultProgram } from '../scenarios/vault_program.ts';
import { type Replica, type Replicas, startReplicas } from './replicas.ts';

/** The promise is a second; the machine of a test may be slow. */
const PATIENCE = { timeout: 30_000, interval: 20 };
const TENANT = { subject: { subject: { case: 'tenant', value: 'tenants/acme' } as const }, reason: 'Breach' };

let replicas: Replicas;
let proxy: TcpProxy;
let first: Replica<VaultProgram>;
let polling: Replica<VaultProgram>;
let cutOff: Replica<VaultProgram>;
let connection: string;
beforeAll(async () => {
  replicas = await startReplicas({ count: 0 });
  proxy = await startTcpProxy(replicas.server.port);
  const proxied = new URL(replicas.databaseUrl);
  proxied.port = String(proxy.port);
  first = await replicas.start();
  [polling, cutOff] = await Promise.all([
    replicas.start({ DATABASE_LISTEN_URL: 'postgres://vault@127.0.0.1:1/unreachable' }),
    replicas.start({ DATABASE_URL: proxied.href }),
  ]);
  await replicas.register();
  connection = await replicas.connect('ada');
});
afterAll(async () => {
  await replicas.close();
  await proxy.close();
});

const ask = ({ clients }: Replica<unknown>) =>
  reasonOf(clients.tokens.getAccessToken({ connection, scopes: ['Mail.ReadOnly'] }));

function admin({ program }: Replica<VaultProgram>) {
  const client = createClient(ContainmentService, program.addresses.admin);
  onTestFinished(() => client.close());
  return client;
}

/** Again until all replicas have applied it, because the wait of one call is short for a busy machine. */
async function everywhere(change: () => Promise<{ readonly replicas: readonly { readonly applied: boolean }[] }>) {
  await vi.waitFor(async () => {
    const { replicas: named } = await change();
    expect(named.length).toBeGreaterThanOrEqual(3);
    expect(named.every(({ applied }) => applied)).toBe(true);
  }, PATIENCE);
}

/** A stream that got its token. `end`: why it ended. */
async function watch({ clients }: Replica<unknown>) {
  const leaving = new AbortController();
  onTestFinished(() => leaving.abort());
  const stream = clients.tokens
    .watchAccessToken({ connection, scopes: ['Mail.ReadOnly'] }, { signal: leaving.signal })
    [Symbol.asyncIterator]();
  await stream.next();
  // The feed may bring the import of the connection only now, which sends the token again.
  const toEnd = async () => {
    while (!(await stream.next()).done);
  };
  return { end: reasonOf(toEnd()) };
}

test('Contain names three replicas that apply it, ends their streams, and none serves a cached token', async () => {
  const all = [first, polling, cutOff];
  const streams = await Promise.all(all.map(watch));
  for (const replica of all) expect(await ask(replica)).toBe('OK');

  await everywhere(() => admin(first).contain(TENANT));

  // What the answer says is true when it arrives.
  expect(await Promise.all(all.map(ask))).toEqual(['CONTAINED', 'CONTAINED', 'CONTAINED']);
  expect(await Promise.all(streams.map(({ end }) => end))).toEqual(['CONTAINED', 'CONTAINED', 'CONTAINED']);

  await everywhere(() => admin(polling).lift(TENANT));
  expect(await Promise.all(all.map(ask))).toEqual(['OK', 'OK', 'OK']);
});

test('a replica that is stopped is named as not applied, and applies it when it continues', async () => {
  polling.program.child.kill('SIGSTOP');
  const response = await admin(first).contain(TENANT);
  const late = response.replicas.filter(({ applied }) => !applied).map(({ name }) => name);
  expect(late).toContainEqual(expect.stringMatching(new RegExp(`-${polling.program.child.pid}$`)));
  expect(response.warning).toContain('Not applied yet');

  polling.program.child.kill('SIGCONT');

  await vi.waitFor(async () => expect(await ask(polling)).toBe('CONTAINED'), PATIENCE);
  await everywhere(() => admin(first).contain(TENANT));
  await everywhere(() => admin(first).lift(TENANT));
  expect(await ask(polling)).toBe('OK');
});

test('a containment outlives kill -9 of the replica right after its answer', async () => {
  const author = await replicas.start();
  await admin(author).contain(TENANT);
  await author.program.stop('SIGKILL');

  await vi.waitFor(async () => expect(await ask(first)).toBe('CONTAINED'), PATIENCE);
  const next = await replicas.start();
  expect(await ask(next)).toBe('CONTAINED');
  await admin(first).lift(TENANT);
  await next.program.stop();
});

test('without the database a replica keeps its containments, and ContainLocal acts on it', async () => {
  expect(await ask(cutOff)).toBe('OK');
  proxy.cut();
  onTestFinished(() => proxy.heal());
  expect(await reasonOf(admin(cutOff).contain(TENANT))).toBe('DATABASE_UNAVAILABLE');
  expect(await ask(cutOff)).toBe('OK');

  await admin(cutOff).containLocal(TENANT);

  expect(await ask(cutOff)).toBe('CONTAINED');
  expect(await ask(first)).toBe('OK');
  expect((await admin(cutOff).listContainments({})).containments).toMatchObject([{ local: true, reason: 'Breach' }]);

  await admin(cutOff).liftLocal(TENANT);
  expect(await ask(cutOff)).toBe('OK');
});

test('a containment that was stored while a replica was cut off is applied when it is back', async () => {
  proxy.cut();
  onTestFinished(() => proxy.heal());
  await admin(first).contain(TENANT);
  proxy.heal();

  await vi.waitFor(async () => expect(await ask(cutOff)).toBe('CONTAINED'), PATIENCE);

  await admin(first).lift(TENANT);
  await vi.waitFor(async () => expect(await ask(cutOff)).toBe('OK'), PATIENCE);
});
