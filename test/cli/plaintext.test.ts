import { once } from 'node:events';
import { createServer as createHttp2Server, type IncomingHttpHeaders } from 'node:http2';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { newApiKey } from '../../src/model/api_key.ts';
import { onboard } from '../scenarios/onboard.ts';
import { startScenario } from '../scenarios/start_scenario.ts';
import { jsonLines, runImport, temporaryFiles } from './import_program.ts';

const { key } = newApiKey('operator');

/** `0.0.0.0` reaches this machine, but is not a loopback address. */
const beyond = (port: number) => ['--address', `0.0.0.0:${port}`];

function importInto(access: readonly string[], withKey = true) {
  const line = { connection: 'ada', refresh_token: 'canary-token' };
  const options = ['--tenant', 'acme', '--scope', 'Mail.ReadOnly', '--verify', 'on-first-use', '--apply'];
  const keyFile = withKey ? ['--api-key-file', temporaryFiles().write('key', key)] : [];
  return runImport(['jsonl', '-', ...options, ...keyFile, ...access], jsonLines([line]));
}

async function portOf(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

test('uses TLS beyond loopback, and names the options if the handshake fails', async () => {
  const received: Buffer[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      received.push(chunk);
      socket.destroy();
    });
  });

  const { code, stderr } = await importInto(beyond(await portOf(server)));

  expect(code).toBe(69);
  expect(stderr).toMatch(/--ca-file.*--plaintext/);
  const bytes = Buffer.concat(received);
  // A handshake record of TLS, where HTTP/2 in plaintext begins with PRI.
  expect(bytes[0]).toBe(0x16);
  expect(bytes.toString('latin1')).not.toContain('PRI *');
});

test('--plaintext connects beyond loopback without TLS', async () => {
  const scenario = await startScenario();
  onTestFinished(() => scenario.close());
  await onboard(scenario, 'acme');
  const port = Number(scenario.vault.addresses.admin.split(':').at(-1));

  const { code, stdout } = await importInto([...beyond(port), '--plaintext'], false);

  expect([code, stdout]).toEqual([0, expect.stringContaining('connections: 1 imported')]);
});

test.each([
  ['--ca-file', ['--ca-file', '/x']],
  ['--cert-file', ['--cert-file', '/x', '--key-file', '/x']],
])('--plaintext excludes %s', async (_, options) => {
  const { code, stderr } = await importInto(['--plaintext', ...options]);
  expect([code, stderr]).toEqual([64, expect.stringContaining('--plaintext excludes')]);
});

test('the health check is sent without the API key', async () => {
  const asked: IncomingHttpHeaders[] = [];
  const server = createHttp2Server();
  server.on('stream', (stream, headers) => {
    asked.push(headers);
    stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '14' }, { endStream: true });
  });

  const { code } = await importInto(['--address', `127.0.0.1:${await portOf(server)}`]);

  expect(code).toBe(69);
  expect(asked.map((headers) => [headers[':path'], headers.authorization])).toEqual([
    ['/grpc.health.v1.Health/Check', undefined],
  ]);
});
