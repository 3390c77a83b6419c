/** As seen from a page that lies two steps deep, as all do that show a logo: so it holds under any path that a proxy puts before it. */
export function logoAddress(hash: string): string {
  return `../logos/${hash}`;
}
