/**
 * Node's release lines that get security fixes. Below `least`, peers without a key can exhaust or corrupt the memory of
 * an HTTP/2 server (CVE-2026-56846, CVE-2026-56848). Below `advised`, an HTTP/2 answer can carry memory of other
 * connections (CVE-2026-123866), and certificates for other hosts can pass (CVE-2026-105483, CVE-2026-106069).
 */
const LINES = [
  { line: 22, least: '22.23.2', advised: '22.23.5' },
  { line: 24, least: '24.18.1', advised: '24.22.3' },
  { line: 26, least: '26.5.1', advised: '26.13.1' },
] as const;

/** Why the vault does not run on this version of Node; undefined: it runs. */
export function nodeFault(version: string): string | undefined {
  const found = lineOf(version);
  if (found === 'newer' || (found !== undefined && !isBefore(version, found.least))) return undefined;
  const least = LINES.map((line) => line.least).join(', ');
  return `token-vault needs Node ${least} or a later version of these lines: this is ${version}, which has known security holes in HTTP/2.`;
}

/** Why a newer version of Node should be installed; undefined: no reason is known. */
export function nodeAdvice(version: string): string | undefined {
  const found = lineOf(version);
  if (found === 'newer' || found === undefined || !isBefore(version, found.advised)) return undefined;
  return `Node ${version} can send memory of one connection to another (CVE-2026-123866). Run the vault on Node ${found.advised} or newer.`;
}

function lineOf(version: string): (typeof LINES)[number] | 'newer' | undefined {
  const major = Number.parseInt(version, 10);
  if (major > 26) return 'newer';
  return LINES.find(({ line }) => line === major);
}

function isBefore(version: string, other: string): boolean {
  const [a, b] = [version, other].map((text) => text.split('.').map((part) => Number.parseInt(part, 10)));
  const difference = [0, 1, 2].map((at) => (a?.[at] ?? 0) - (b?.[at] ?? 0)).find((one) => one !== 0);
  return (difference ?? 0) < 0;
}
