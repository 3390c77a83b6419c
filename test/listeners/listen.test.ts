import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { listen } from '../../src/listeners/start_and_stop_listening.ts';
import { parseListenAddress } from '../../src/model/listen_address.ts';
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

/** Error code of a connection to the socket; undefined if it succeeds. */
function outcome(): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect(path, () => resolve(undefined));
    onTestFinished(() => void socket.destroy());
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code));
  });
}

test('replaces the socket of a killed process with one that only its owner can open', async () => {
  await leaveStaleSocket(path);
  expect(await outcome()).toBe('ECONNREFUSED');

  expect(await start(`unix:${path}`)).toBe(`unix:${path}`);

  expect(await outcome()).toBeUndefined();
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test('keeps the socket of a running process', async () => {
  const other = await holdSocket(path);
  onTestFinished(() => void other.kill('SIGKILL'));

  await expect(start(`unix:${path}`)).rejects.toMatchObject({ reason: 'FIELD_INVALID' });
  expect(await outcome()).toBeUndefined();
});

test('keeps the socket of a running process whose queue is full', async () => {
  const other = await holdSocket(path);
  onTestFinished(() => void other.kill('SIGKILL'));
  other.kill('SIGSTOP');
  while ((await outcome()) !== 'EAGAIN');

  await expect(start(`unix:${path}`)).rejects.toMatchObject({ reason: 'FIELD_INVALID' });
  expect(existsSync(path)).toBe(true);
});

test('parses each form of an address', async () => {
  expect(parseListenAddress('[::1]:8080')).toMatchObject({ host: '::1', port: 8080 });
  expect(parseListenAddress('localhost:0')).toMatchObject({ host: 'localhost', port: 0 });
  expect(parseListenAddress('unix:/run/vault.sock')).toEqual({ path: '/run/vault.sock' });
  expect(parseListenAddress('unix:///run/vault.sock')).toEqual({ path: '/run/vault.sock' });
  for (const wrong of ['8080', ':8080', 'a:b', 'a:70000', 'a:1.5', '', 'unix:']) {
    expect(parseListenAddress(wrong)).toBeUndefined();
    await expect(start(wrong)).rejects.toMatchObject({ reason: 'FIELD_INVALID' });
  }
});
