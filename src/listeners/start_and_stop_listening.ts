import { chmodSync } from 'node:fs';
import { lstat, unlink } from 'node:fs/promises';
import type { Server as HttpServer } from 'node:http';
import { connect, type Server } from 'node:net';
import type { Duration } from '../model/clock.ts';
import { fieldInvalid, VaultError } from '../model/errors.ts';
import { type ListenAddress, parseListenAddress } from '../model/listen_address.ts';

/**
 * Listens on the address and returns it as bound. A unix socket has mode 0600, and replaces a socket that a killed
 * process left. FIELD_INVALID if the address is malformed or not available.
 */
export async function listen(server: Server, address: ListenAddress): Promise<ListenAddress> {
  const parsed = parseListenAddress(address);
  if (parsed === undefined) throw fieldInvalid('address', `${address} must be host:port or unix:/path.`);
  if (parsed.path !== undefined) await removeStaleSocket(parsed.path);
  await new Promise<void>((resolve, reject) => {
    const fail = (cause: NodeJS.ErrnoException) => reject(cannotListen(address, cause));
    server.once('error', fail);
    server.listen({ ...parsed, ipv6Only: false }, () => {
      server.off('error', fail);
      // The owner only, whatever the umask is: a process that can open the socket can call.
      if (parsed.path !== undefined) chmodSync(parsed.path, 0o600);
      // A connection that cannot be accepted (out of file descriptors) must not end the process.
      server.on('error', () => undefined);
      resolve();
    });
  });
  const bound = server.address();
  if (bound === null || typeof bound === 'string') return address;
  return bound.family === 'IPv6' ? `[${bound.address}]:${bound.port}` : `${bound.address}:${bound.port}`;
}

/** Closes idle connections now, the others after their response, or by force after `grace` milliseconds. */
export async function stopListening(server: HttpServer, grace: Duration): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const force = setTimeout(() => server.closeAllConnections(), grace);
  await closed;
  clearTimeout(force);
}

function cannotListen(address: ListenAddress, cause: NodeJS.ErrnoException): VaultError {
  const why =
    cause.code === 'EADDRINUSE'
      ? 'The address is in use. Stop the other process, or choose another address.'
      : `The system reports ${cause.code}. Choose an address of this machine that this user may bind.`;
  return new VaultError('FIELD_INVALID', `Cannot listen on ${address}. ${why}`, {
    metadata: { field: 'address' },
    cause,
  });
}

/**
 * Removes the socket of a killed process, because its file blocks the bind. Only a refused connection proves that no
 * process serves the socket: a running process with a full queue answers EAGAIN, and a process of another user EACCES.
 */
async function removeStaleSocket(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found?.isSocket() !== true || !(await isRefused(path))) return;
  await unlink(path).catch(() => undefined);
}

function isRefused(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(false);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED'));
  });
}
