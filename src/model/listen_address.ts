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
