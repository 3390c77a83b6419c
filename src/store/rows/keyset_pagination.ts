import { and, type Column, eq, gt, inArray, type SQL, sql } from 'drizzle-orm';
import type { Page, PageRequest } from '../../model/page.ts';

/** `rows` has one row more than the page if there is a next page. */
export function toPage<Row, Item>(
  rows: readonly Row[],
  request: PageRequest,
  keyOf: (row: Row) => string,
  toItem: (row: Row) => Item,
): Page<Item> {
  const kept = rows.slice(0, request.size);
  const last = kept.at(-1);
  const more = rows.length > request.size && last !== undefined;
  return { items: kept.map(toItem), next: more ? keyOf(last) : undefined };
}

/** The key of a page that is sorted by two columns. The first one never contains a slash. */
export function pairKey(first: string | number, second: string | number): string {
  return `${first}/${second}`;
}

export function splitPairKey(key: string): [first: string, second: string] {
  const slash = key.indexOf('/');
  return slash < 0 ? [key, ''] : [key.slice(0, slash), key.slice(slash + 1)];
}

/**
 * The rows after the page's key, in the order of the two columns, whose first column has one of the values `firsts`
 * (default: any).
 */
export function afterPair(
  { after }: PageRequest,
  one: Column,
  two: Column,
  firsts?: readonly string[],
): SQL | undefined {
  if (after === undefined) return firsts && inArray(one, [...firsts]);
  const [first, second] = splitPairKey(after);
  const left = firsts?.filter((value) => value >= first);
  const typed = (column: Column, text: string) => (column.dataType === 'number' ? Number(text) : text);
  // With an equality and a comparison of pairs, PostgreSQL reads the index from the first row of that value on.
  if (left?.length === 1 && left[0] === first) return and(eq(one, first), gt(two, typed(two, second)));
  return and(left && inArray(one, left), sql`(${one}, ${two}) > (${typed(one, first)}, ${typed(two, second)})`);
}
