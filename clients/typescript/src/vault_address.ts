import { isIP } from 'node:net';

export interface VaultAddress {
  /** For grpc-js: with its scheme. */
  readonly target: string;
  /** Whether only this machine can reach it, so that keys may travel in plaintext. */
  readonly isLoopback: boolean;
}

/**
 * `host:port`, `dns:///host:port`, `ipv4:a:port,b:port`, `ipv6:[a]:port,…` or `unix:/path`. A host name becomes
 * `dns:///`, whose addresses are used in turn.
 */
export function parseVaultAddress(address: string): VaultAddress {
  const [, scheme, rest = address] = /^(dns:\/\/\/|ipv4:|ipv6:|unix:)(.*)$/.exec(address) ?? [];
  if (scheme === 'unix:' && rest !== '') return { target: address, isLoopback: true };
  const endpoints = scheme === 'ipv4:' || scheme === 'ipv6:' ? rest.split(',') : [rest];
  const hosts = endpoints.map(hostOf);
  if (hosts.includes(undefined))
    throw new TypeError(
      `address: ${JSON.stringify(address)} is not an address. Use host:port, dns:///host:port or unix:/path.`,
    );
  return {
    target: scheme === undefined ? `dns:///${address}` : address,
    isLoopback: hosts.every((host) => host !== undefined && isLoopbackHost(host)),
  };
}

/** Undefined: not `host:port`. */
function hostOf(endpoint: string): string | undefined {
  const [, ipv6, name, port] = /^(?:\[([0-9a-f:.]+)\]|([\w.-]+)):(\d{1,5})$/i.exec(endpoint) ?? [];
  return Number(port) > 65_535 ? undefined : (ipv6 ?? name);
}

function isLoopbackHost(host: string): boolean {
  const name = host.toLowerCase();
  return name === 'localhost' || name === '::1' || (isIP(name) === 4 && name.startsWith('127.'));
}
