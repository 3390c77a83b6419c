import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTcpProxy, type TcpProxy } from '../postgres/tcp_proxy.ts';
import { type Replicas, startReplicas } from './replicas.ts';

let replicas: Replicas;
let proxy: TcpProxy;
beforeAll(async () => {
  replicas = await startReplicas({ count: 0 });
  proxy = await startTcpProxy(replicas.server.port);
});
afterAll(async () => {
  await replicas.close();
  await proxy.close();
});

test('a replica stops gracefully though the database does not respond', async () => {
  const url = new URL(replicas.databaseUrl);
  url.port = String(proxy.port);
  const { program } = await replicas.start({ DATABASE_URL: url.href });

  proxy.cut();

  expect((await program.stop()).code).toBe(0);
});
