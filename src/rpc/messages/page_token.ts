import { hash } from 'node:crypto';
import { fieldInvalid } from '../../model/errors.ts';
import type { Page, PageRequest } from '../../model/page.ts';

const DEFAULT_SIZE = 50;
const MAX_SIZE = 1_000;

/** Identifies the list of a page: its method, parent and filters. */
export type ListKey = readonly (string | number)[];

/** AIP-158: a larger page size is reduced to the maximum, not rejected. */
export function pageRequest(request: { pageSize: number; pageToken: string }, key: ListKey): PageRequest {
  if (request.pageSize < 0) throw fieldInvalid('page_size', 'must not be negative; omit it for 50');
  const size = request.pageSize === 0 ? DEFAULT_SIZE : Math.min(request.pageSize, MAX_SIZE);
  return { size, after: request.pageToken === '' ? undefined : readToken(request.pageToken, key) };
}

/**
 * The key of the last item with a checksum of its list. The checksum detects mistakes, not forgery: each page is
 * authorized by itself. Tokens stay valid after a restart and on every replica.
 */
export function nextPageToken(next: string | undefined, key: ListKey): string {
  if (next === undefined) return '';
  return Buffer.from(`${checksum(next, key)}${next}`).toString('base64url');
}

/** The fields of a response that belong to every list of resources. */
export function pageFields({ next, unreachable = [] }: Page<unknown>, key: ListKey) {
  return { nextPageToken: nextPageToken(next, key), unreachable: [...unreachable] };
}

function readToken(token: string, key: ListKey): string {
  const text = Buffer.from(token, 'base64url').toString();
  const after = text.slice(CHECKSUM_LENGTH);
  if (text.slice(0, CHECKSUM_LENGTH) !== checksum(after, key) || nextPageToken(after, key) !== token) {
    throw fieldInvalid(
      'page_token',
      'must be the next_page_token of the previous page, with all other fields unchanged; omit it to start over',
    );
  }
  return after;
}

const CHECKSUM_LENGTH = 16;

function checksum(after: string, key: ListKey): string {
  return hash('sha256', JSON.stringify([after, ...key]), 'base64url').slice(0, CHECKSUM_LENGTH);
}
