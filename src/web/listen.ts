import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { VaultError } from '../model/errors.ts';

/** `127.0.0.1:8080`, `[::1]:8080` or `unix:/path`; port 0: one that is free. */
export type ListenAddress = string;

/** Where it listens, in the same spelling. FIELD_INVALID where it cannot. */
export async function listen(server: Server, address: ListenAddress): Promise<ListenAddress> {
  const target = parseListenAddress(address);
  await new Promise<void>((resolve, reject) => {
    const refuse = (cause: NodeJS.ErrnoException) => reject(cannotListen(address, cause));
    server.once('error', refuse);
    server.listen(target, () => {
      server.off('error', refuse);
      resolve();
    });
  });
  if ('path' in target) return address;
  const { address: host, port, family } = server.address() as AddressInfo;
  return family === 'IPv6' ? `[${host}]:${port}` : `${host}:${port}`;
}

function cannotListen(address: ListenAddress, cause: NodeJS.ErrnoException): VaultError {
  const why =
    cause.code === 'EADDRINUSE'
      ? 'something else listens there; stop it or choose another address'
      : `the system says ${cause.code}; choose an address of this machine that may be used`;
  return new VaultError('FIELD_INVALID', `Cannot listen on ${address}: ${why}`, {
    metadata: { field: 'address' },
    cause,
  });
}

export function parseListenAddress(address: ListenAddress): { path: string } | { host: string; port: number } {
  if (address.startsWith('unix:')) return { path: address.slice('unix:'.length) };
  const colon = address.lastIndexOf(':');
  const host = address.slice(0, colon).replace(/^\[(.*)\]$/, '$1');
  const port = Number(address.slice(colon + 1));
  if (colon < 1 || !Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new TypeError(`${address} is no address to listen on: write host:port or unix:/path`);
  }
  return { host, port };
}

/** No more connections; those that are idle end now, the others with their answer, or by force after `grace` milliseconds. */
export async function stopListening(server: Server, grace: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const force = setTimeout(() => server.closeAllConnections(), grace);
  await closed;
  clearTimeout(force);
}
