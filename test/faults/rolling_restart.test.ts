import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePorts } from '../scenarios/free_ports.ts';
import { createClients } from '../scenarios/start_scenario.ts';
import { retried, startCallers } from './calls.ts';
import { type Replicas, startReplicas } from './replicas.ts';

const COUNT = 3;
const ROUND_ROBIN = {
  'grpc.service_config': JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }),
  'grpc.enable_http_proxy': 0,
};

let replicas: Replicas;
let grpcPorts: readonly number[];
let adminPorts: readonly number[];
beforeAll(async () => {
  replicas = await startReplicas({ count: 0 });
  const ports = await freePorts(2 * COUNT);
  grpcPorts = ports.slice(0, COUNT);
  adminPorts = ports.slice(COUNT);
});
afterAll(() => replicas.close());

const start = (index: number) =>
  replicas.start({
    GRPC_ADDRESS: `127.0.0.1:${grpcPorts[index]}`,
    ADMIN_ADDRESS: `127.0.0.1:${adminPorts[index]}`,
  });
const target = (ports: readonly number[]) => `ipv4:${ports.map((port) => `127.0.0.1:${port}`).join(',')}`;

test('a rolling restart of three replicas under load fails no call of a client that retries', async () => {
  const running = await Promise.all(Array.from({ length: COUNT }, (_, index) => start(index)));
  await replicas.register();
  const clients = createClients({ grpc: target(grpcPorts), admin: target(adminPorts) }, { channel: ROUND_ROBIN });
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
    await start(index);
    await writers.more(10);
  }

  expect(Object.keys(await readers.stop())).toEqual(['OK']);
  expect(Object.keys(await writers.stop())).toEqual(['OK']);
  clients.close();
});
