import { type Entry, nameOf } from './entry.ts';
import { createLineIndex } from './line_index.ts';
import type { RejectedEntry } from './rejected_entry.ts';

/** Tells the second line of a connection, and of an external id: each belongs to one connection of a tenant. */
export interface Duplicates {
  /** What is wrong with the entry, if an earlier line had the same. */
  find(entry: Entry, line: number): RejectedEntry | undefined;
}

export function createDuplicates(): Duplicates {
  const connections = createLineIndex();
  const externalIds = createLineIndex();
  return {
    find(entry, line) {
      const before = connections.claim(nameOf(entry), line);
      if (before !== undefined) return duplicate(entry, line, `the connection is that of line ${before}`);
      if (entry.externalId === undefined) return undefined;
      const holder = externalIds.claim(`${entry.tenantId}/${entry.externalId}`, line);
      return holder === undefined ? undefined : duplicate(entry, line, `the external_id is that of line ${holder}`);
    },
  };
}

function duplicate(entry: Entry, line: number, why: string): RejectedEntry {
  return {
    outcome: 'REFUSED',
    line,
    what: nameOf(entry),
    reason: 'DUPLICATE',
    why,
    nextStep: 'Decide which of the two lines holds, and take the other one out.',
  };
}
