import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import { PROGRAM } from '../bundled_programs.ts';
import { jsonLines, temporaryFiles } from '../cli/import_program.ts';
import { ADA, openCustomer } from './customer.ts';
import { type Scenario, startScenario } from './start_scenario.ts';

/** Programs on one machine do not talk to each other through the proxy of the company, which would see secrets or answer for them. */

const VARIABLES = ['https_proxy', 'http_proxy', 'grpc_proxy', 'HTTPS_PROXY', 'HTTP_PROXY', 'all_proxy'];

let seen: string[];
let proxy: string;
let scenario: Scenario;
const server = createServer((request, response) => {
  seen.push(`${request.method} ${request.url}`);
  response.writeHead(502).end();
}).on('connect', (request, socket) => {
  seen.push(`CONNECT ${request.url}`);
  socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
});
beforeAll(async () => {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  proxy = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  scenario = await startScenario();
});
afterAll(async () => {
  await scenario.close();
  server.close();
});
beforeEach(() => {
  seen = [];
});

async function runBehindProxy(args: readonly string[]): Promise<{ code: number | null; output: string }> {
  const proxies = Object.fromEntries(VARIABLES.map((name) => [name, proxy]));
  const env = { ...proxies, no_proxy: '', NO_PROXY: '' };
  const child = spawn(process.execPath, [PROGRAM, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env });
  onTestFinished(() => void child.kill('SIGKILL'));
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const [code] = await once(child, 'close');
  return { code: code as number | null, output };
}

test('the demo succeeds, and the proxy sees none of its requests', { timeout: 120_000 }, async () => {
  const { code, output } = await runBehindProxy(['demo']);

  expect(output).toMatch(/All \d+ steps passed/);
  expect([code, seen]).toEqual([0, []]);
});

test('an import connects to the local vault directly, and the proxy sees no refresh token', async () => {
  const customer = await openCustomer(scenario, 'behind-proxy');
  const refresh_token = scenario.sandbox.issueRefreshToken({
    clientId: customer.clientId,
    userObjectId: ADA,
    scopes: 'openid profile offline_access Mail.Read',
  });
  const file = temporaryFiles().write('one.jsonl', jsonLines([{ connection: 'ada', refresh_token }]));
  const { admin } = scenario.vault.addresses;
  const [, port] = admin.split(':');

  for (const [address, words] of [
    [admin, '1 imported'],
    [`localhost:${port}`, '1 already there'],
  ] as const) {
    const wishes = ['--tenant', 'behind-proxy', '--scope', 'Mail.Read', '--apply', '--address', address];
    const { code, output } = await runBehindProxy(['import', 'jsonl', file, ...wishes]);
    expect(output).toContain(words);
    expect([code, seen]).toEqual([0, []]);
  }
});
