import type { Page, PageRequest } from '../../model/page.ts';

/** One row more than the page was asked for: whether there is a next page. */
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

/** Ids never contain a slash. */
export function pairKey(tenantId: string, id: string): string {
  return `${tenantId}/${id}`;
}

export function splitPairKey(key: string): [tenantId: string, id: string] {
  const slash = key.indexOf('/');
  return slash < 0 ? [key, ''] : [key.slice(0, slash), key.slice(slash + 1)];
}
