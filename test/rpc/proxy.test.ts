import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Health } from '../../src/gen/grpc/health/v1/health_pb.ts';
import { type Stage, startStage } from './stage.ts';

let proxy: Server;
let stage: Stage;
let connected: string[];

beforeEach(async () => {
  connected = [];
  proxy = createServer().on('connect', (request, socket) => {
    connected.push(request.url ?? '');
    const [host, port] = (request.url ?? '').split(':');
    const target = connect(Number(port), host, () => socket.write('HTTP/1.1 200 OK\r\n\r\n'));
    target.on('error', () => socket.destroy());
    socket.on('error', () => target.destroy());
    socket.pipe(target).pipe(socket);
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  stage = await startStage();
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await stage.close();
  proxy.closeAllConnections();
  proxy.close();
});

test.each(['grpc_proxy', 'https_proxy', 'http_proxy'])('%s is not used for loopback', async (variable) => {
  for (const name of ['grpc_proxy', 'https_proxy', 'http_proxy', 'no_proxy', 'no_grpc_proxy']) vi.stubEnv(name, '');
  vi.stubEnv(variable, `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`);

  await stage.client(Health).check({ service: '' });

  expect(connected).toEqual([]);
});
