import { chmodSync } from 'node:fs';
import { lstat, unlink } from 'node:fs/promises';
import { connect, type ListenOptions } from 'node:net';
import { fieldInvalid } from '../model/errors.ts';

/** `host:port`, `[ipv6]:port` or `unix:/path`. */
const HOST_AND_PORT = /^(?:\[([0-9a-f:.%]+)\]|([^:[\]]+)):(\d{1,5})$/i;

export function listenOptions(address: string): ListenOptions {
  const path = socketPath(address);
  if (path !== undefined) return { path };
  const { host, port } = hostAndPort(address);
  return { host, port, ipv6Only: false };
}

/** A process that was killed leaves its socket file behind, which nobody could bind to again. */
export async function removeStaleSocket(address: string): Promise<void> {
  const path = socketPath(address);
  if (path === undefined) return;
  const found = await lstat(path).catch(() => undefined);
  if (found?.isSocket() !== true || (await answers(path))) return;
  await unlink(path).catch(() => undefined);
}

/** Whoever may open the socket may call: the owner alone, whatever the umask says. */
export function guardSocket(address: string): void {
  const path = socketPath(address);
  if (path !== undefined) chmodSync(path, 0o600);
}

function socketPath(address: string): string | undefined {
  return address.startsWith('unix:') ? address.slice('unix:'.length).replace(/^\/\/(?=\/)/, '') : undefined;
}

function hostAndPort(address: string): { host: string; port: number } {
  const [, v6, name, digits] = HOST_AND_PORT.exec(address) ?? [];
  const host = v6 ?? name;
  const port = Number(digits);
  if (host === undefined || port > 65_535) throw fieldInvalid('address', `${address} must be host:port or unix:/path`);
  return { host, port };
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
