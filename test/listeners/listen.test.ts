import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { listen } from '../../src/listeners/listen.ts';
import { listenOptions } from '../../src/listeners/socket_address.ts';
import { holdSocket, leaveStaleSocket } from './socket_holder.ts';

let path: string;
beforeEach(() => {
  const folder = mkdtempSync(join(tmpdir(), 'listen-'));
  path = join(folder, 'vault.sock');
  return () => rmSync(folder, { recursive: true, force: true });
});

function start(address: string): Promise<string> {
  const server = createServer();
  onTestFinished(() => void server.close());
  return listen(server, address);
}

/** How a connection to the socket comes out. */
function outcome(): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect(path, () => resolve(undefined));
    onTestFinished(() => void socket.destroy());
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code));
  });
}

test('replaces the socket of a killed process with one that its owner alone may open', async () => {
  await leaveStaleSocket(path);
  expect(await outcome()).toBe('ECONNREFUSED');

  expect(await start(`unix:${path}`)).toBe(`unix:${path}`);

  expect(await outcome()).toBeUndefined();
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test('leaves the socket of a live process alone', async () => {
  const other = await holdSocket(path);
  onTestFinished(() => void other.kill('SIGKILL'));

  await expect(start(`unix:${path}`)).rejects.toMatchObject({ reason: 'FIELD_INVALID' });
  expect(await outcome()).toBeUndefined();
});

test('leaves the socket of a live process alone that accepts no connection for now', async () => {
  const other = await holdSocket(path);
  onTestFinished(() => void other.kill('SIGKILL'));
  other.kill('SIGSTOP');
  while ((await outcome()) !== 'EAGAIN');

  await expect(start(`unix:${path}`)).rejects.toMatchObject({ reason: 'FIELD_INVALID' });
  expect(existsSync(path)).toBe(true);
});

test('reads the spellings of an address', () => {
  expect(listenOptions('[::1]:8080')).toMatchObject({ host: '::1', port: 8080 });
  expect(listenOptions('localhost:0')).toMatchObject({ host: 'localhost', port: 0 });
  expect(listenOptions('unix:/run/vault.sock')).toEqual({ path: '/run/vault.sock' });
  expect(listenOptions('unix:///run/vault.sock')).toEqual({ path: '/run/vault.sock' });
  for (const wrong of ['8080', ':8080', 'a:b', 'a:70000', 'a:1.5', ''])
    expect(() => listenOptions(wrong)).toThrow(expect.objectContaining({ reason: 'FIELD_INVALID' }));
});
