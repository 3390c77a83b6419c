import { isIP } from 'node:net';

/** Address of a listener: `host:port`, `[ipv6]:port` or `unix:/path`. Port 0 means any free port. */
export type ListenAddress = string;

const HOST_AND_PORT = /^(?:\[([0-9a-f:.%]+)\]|([^:[\]]+)):(\d{1,5})$/i;

/** Undefined if it is malformed. */
export function parseListenAddress(
  address: ListenAddress,
): { readonly path: string } | { readonly path?: undefined; readonly host: string; readonly port: number } | undefined {
  if (address.startsWith('unix:')) {
    const path = address.slice('unix:'.length).replace(/^\/\/(?=\/)/, '');
    return path === '' ? undefined : { path };
  }
  const [, ipv6, name, digits] = HOST_AND_PORT.exec(address) ?? [];
  const host = ipv6 ?? name;
  return host === undefined || Number(digits) > 65_535 ? undefined : { host, port: Number(digits) };
}

/** A unix socket counts as loopback: file permissions decide which processes can open it. */
export function isLoopbackAddress(address: ListenAddress): boolean {
  const parsed = parseListenAddress(address);
  return parsed !== undefined && (parsed.path !== undefined || isLoopbackHost(parsed.host));
}

/** A host name or IP address (IPv6 with or without brackets) that only this machine can reach. */
export function isLoopbackHost(host: string): boolean {
  const bare = host.toLowerCase().replace(/^\[|\]$/g, '');
  return bare === 'localhost' || bare === '::1' || (isIP(bare) === 4 && bare.startsWith('127.'));
}
