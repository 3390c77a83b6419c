import type { ListenOptions } from 'node:net';
import { fieldInvalid } from '../model/errors.ts';

/** `host:port`, `[ipv6]:port` or `unix:/path`. */
const HOST_AND_PORT = /^(?:\[([0-9a-f:.%]+)\]|([^:[\]]+)):(\d{1,5})$/i;

/** FIELD_INVALID where it is no address. */
export function listenOptions(address: string): ListenOptions {
  const path = socketPath(address);
  if (path !== undefined) return { path };
  const { host, port } = hostAndPort(address);
  return { host, port, ipv6Only: false };
}

/** Of a unix socket. */
export function socketPath(address: string): string | undefined {
  return address.startsWith('unix:') ? address.slice('unix:'.length).replace(/^\/\/(?=\/)/, '') : undefined;
}

function hostAndPort(address: string): { host: string; port: number } {
  const [, v6, name, digits] = HOST_AND_PORT.exec(address) ?? [];
  const host = v6 ?? name;
  const port = Number(digits);
  if (host === undefined || port > 65_535) throw fieldInvalid('address', `${address} must be host:port or unix:/path`);
  return { host, port };
}
