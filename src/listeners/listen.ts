import type { Server } from 'node:net';
import { VaultError } from '../model/errors.ts';
import { listenOptions, socketPath } from './socket_address.ts';
import { guardSocket, removeStaleSocket } from './unix_socket.ts';

/**
 * Listens on `host:port` (port 0: a free one) or `unix:/path`. A unix socket has mode 0600, and replaces one that a killed
 * process left behind. Returns the address as bound. FIELD_INVALID where it cannot listen.
 */
export async function listen(server: Server, address: string): Promise<string> {
  const path = socketPath(address);
  const options = listenOptions(address);
  if (path !== undefined) await removeStaleSocket(path);
  await new Promise<void>((resolve, reject) => {
    const refuse = (cause: NodeJS.ErrnoException) => reject(cannotListen(address, cause));
    server.once('error', refuse);
    server.listen(options, () => {
      server.off('error', refuse);
      if (path !== undefined) guardSocket(path);
      // A connection that cannot be accepted (out of file descriptors) must not end the process.
      server.on('error', () => undefined);
      resolve();
    });
  });
  const bound = server.address();
  if (bound === null || typeof bound === 'string') return address;
  return bound.family === 'IPv6' ? `[${bound.address}]:${bound.port}` : `${bound.address}:${bound.port}`;
}

function cannotListen(address: string, cause: NodeJS.ErrnoException): VaultError {
  const why =
    cause.code === 'EADDRINUSE'
      ? 'something else listens there; stop it or choose another address'
      : `the system says ${cause.code}; choose an address of this machine that may be used`;
  return new VaultError('FIELD_INVALID', `Cannot listen on ${address}: ${why}`, {
    metadata: { field: 'address' },
    cause,
  });
}
