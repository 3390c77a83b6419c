import { isIP } from 'node:net';

/** A host name or IP address (IPv6 with or without brackets) that only this machine reaches. */
export function isLoopbackHost(host: string): boolean {
  const bare = host.toLowerCase().replace(/^\[|\]$/g, '');
  return bare === 'localhost' || bare === '::1' || (isIP(bare) === 4 && bare.startsWith('127.'));
}

/** `host:port` or `unix:/path`. A unix socket counts: the file system says who may open it. */
export function isLoopbackAddress(address: string): boolean {
  return address.startsWith('unix:') || isLoopbackHost(address.slice(0, address.lastIndexOf(':')));
}
