import { hash } from 'node:crypto';
import { fieldInvalid } from '../../model/errors.ts';
import type { PageRequest } from '../../model/page.ts';

const DEFAULT_SIZE = 50;
const LARGEST_SIZE = 1_000;

/** Which list a page belongs to: its RPC, parent and filters. */
export type ListKey = readonly (string | number)[];

/** AIP-158. Larger pages than the largest are cut, not refused. */
export function pageRequest(request: { pageSize: number; pageToken: string }, key: ListKey): PageRequest {
  if (request.pageSize < 0) throw fieldInvalid('page_size', 'must not be negative; leave it out for 50');
  const size = request.pageSize === 0 ? DEFAULT_SIZE : Math.min(request.pageSize, LARGEST_SIZE);
  return { size, after: request.pageToken === '' ? undefined : readToken(request.pageToken, key) };
}

/**
 * The key of the last item, tied to its list by a checksum: against mistakes, not against forgers, who would gain
 * nothing, since every page is authorized on its own. So it outlives a restart, and every replica takes it.
 */
export function nextPageToken(next: string | undefined, key: ListKey): string {
  if (next === undefined) return '';
  return Buffer.from(`${checksum(next, key)}${next}`).toString('base64url');
}

function readToken(token: string, key: ListKey): string {
  const text = Buffer.from(token, 'base64url').toString();
  const after = text.slice(CHECKSUM_LENGTH);
  if (text.slice(0, CHECKSUM_LENGTH) !== checksum(after, key) || nextPageToken(after, key) !== token) {
    throw fieldInvalid(
      'page_token',
      'must be the next_page_token of the page before, with all other fields as they were; leave it out to begin anew',
    );
  }
  return after;
}

const CHECKSUM_LENGTH = 16;

function checksum(after: string, key: ListKey): string {
  return hash('sha256', JSON.stringify([after, ...key]), 'base64url').slice(0, CHECKSUM_LENGTH);
}
