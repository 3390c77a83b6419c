import type { IncomingMessage } from 'node:http';
import { mediaType, readBody } from './read_body.ts';

const LARGEST = 16 * 1024;

/** A form's body; the status to answer where it is none, too large, or never came whole. */
export async function readForm(request: IncomingMessage): Promise<URLSearchParams | 400 | 413 | 415> {
  if (mediaType(request) !== 'application/x-www-form-urlencoded') return 415;
  const body = await readBody(request, LARGEST);
  return typeof body === 'number' ? body : new URLSearchParams(body.toString('utf8'));
}
