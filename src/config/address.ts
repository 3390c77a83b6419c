import { isIP } from 'node:net';

/** Where a listener stands: `host:port`, or `unix:/path`. */
export type Address = string;

export function isAddress(text: string): boolean {
  if (text.startsWith('unix:')) return text.length > 'unix:'.length;
  const port = /^(?:\[[^\]]+\]|[^:[\]]+):(\d{1,5})$/.exec(text)?.[1];
  return port !== undefined && Number(port) <= 65_535;
}

/** Of `host:port`. */
export function portOf(address: Address): number {
  return Number(address.slice(address.lastIndexOf(':') + 1));
}

/** A unix socket counts: who may reach it is the file system's to say. */
export function isLoopbackAddress(address: Address): boolean {
  if (address.startsWith('unix:')) return true;
  return isLoopback(address.slice(0, address.lastIndexOf(':')));
}

export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '');
  return bare === 'localhost' || bare === '::1' || (isIP(bare) === 4 && bare.startsWith('127.'));
}
