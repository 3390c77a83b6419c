import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { TokenVault } from '../src/token_vault.ts';
import { parseVaultAddress } from '../src/vault_address.ts';

const KEY = 'tv1_canary';

let folder: string;
let apiKeyFile: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'client-'));
  apiKeyFile = join(folder, 'api-key');
  writeFileSync(apiKeyFile, `${KEY}\n`);
});
afterEach(() => rmSync(folder, { recursive: true }));

test.each([
  ['vault.example:50051', 'dns:///vault.example:50051', false],
  ['dns:///vault.example:50051', 'dns:///vault.example:50051', false],
  ['10.0.0.1:50051', 'dns:///10.0.0.1:50051', false],
  ['127.0.0.1:50051', 'dns:///127.0.0.1:50051', true],
  ['LOCALHOST:50051', 'dns:///LOCALHOST:50051', true],
  ['[::1]:50051', 'dns:///[::1]:50051', true],
  ['unix:/run/vault.sock', 'unix:/run/vault.sock', true],
  ['ipv4:127.0.0.1:1,127.0.0.2:2', 'ipv4:127.0.0.1:1,127.0.0.2:2', true],
  ['ipv4:127.0.0.1:1,10.0.0.1:2', 'ipv4:127.0.0.1:1,10.0.0.1:2', false],
  ['localhost.evil.example:50051', 'dns:///localhost.evil.example:50051', false],
  ['127.0.0.1.evil.example:50051', 'dns:///127.0.0.1.evil.example:50051', false],
])('%s', (address, target, isLoopback) => {
  expect(parseVaultAddress(address)).toEqual({ target, isLoopback });
});

test.each([
  '',
  'vault.example',
  'https://vault.example:50051',
  'host:99999',
  'dns://8.8.8.8/vault:1',
  'ipv4:127.0.0.1',
])('%s is not an address', (address) => {
  expect(() => parseVaultAddress(address)).toThrow('address:');
});

test('beyond loopback, the first bytes are those of TLS, and the key is not among them', async () => {
  const received: Buffer[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', (chunk) => {
      received.push(chunk);
      socket.destroy();
    });
  }).listen(0);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  // Leads to this machine, but is not in the range of loopback.
  const vault = new TokenVault({ address: `0.0.0.0:${port}`, apiKeyFile, timeout: 5_000 });
  await expect(vault.getAccessToken({ connection: 'tenants/a/connections/b' })).rejects.toMatchObject({
    code: 'UNAVAILABLE',
  });
  vault.close();
  server.close();
  expect(received[0]?.[0]).toBe(0x16);
  expect(Buffer.concat(received).includes(KEY)).toBe(false);
});

test('a proxy of the environment is not used', async () => {
  let connections = 0;
  const proxy = createServer((socket) => {
    connections += 1;
    socket.destroy();
  }).listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const { port } = proxy.address() as AddressInfo;
  process.env['https_proxy'] = `http://127.0.0.1:${port}`;
  try {
    const vault = new TokenVault({ address: '0.0.0.0:1', apiKeyFile, timeout: 1_000 });
    await expect(vault.getAccessToken({ connection: 'tenants/a/connections/b' })).rejects.toMatchObject({
      reason: 'VAULT_UNREACHABLE',
    });
    vault.close();
  } finally {
    delete process.env['https_proxy'];
    proxy.close();
  }
  expect(connections).toBe(0);
});

test.each([
  ['a missing file', () => join(folder, 'missing')],
  ['an empty file', () => written('')],
  ['two lines', () => written('one\ntwo\n')],
])('%s is no credential, and the error does not quote it', async (_name, file) => {
  const vault = new TokenVault({ address: '127.0.0.1:1', apiKeyFile: file() });
  const call = vault.getAccessToken({ connection: 'tenants/a/connections/b' });
  await expect(call).rejects.toMatchObject({ reason: 'CREDENTIAL_FILE_UNREADABLE', whoActs: 'caller' });
  await expect(call).rejects.toThrow(/^apiKeyFile: (?!.*\b(one|two)\b)/);
  vault.close();
});

test('two credentials are refused', () => {
  expect(() => new TokenVault({ address: '127.0.0.1:1', apiKeyFile, tokenFile: apiKeyFile })).toThrow(
    'More than one credential',
  );
  expect(() => new TokenVault({ address: '127.0.0.1:1', tls: { keyFile: apiKeyFile } })).toThrow('Set both');
});

function written(text: string): string {
  writeFileSync(apiKeyFile, text);
  return apiKeyFile;
}
