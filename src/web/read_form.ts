import type { IncomingMessage } from 'node:http';

const LARGEST = 16 * 1024;

/** A form's body; the status to answer where it is none, too large, or never came whole. */
export async function readForm(request: IncomingMessage): Promise<URLSearchParams | 400 | 413 | 415> {
  const type = (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/x-www-form-urlencoded') return 415;
  if (Number(request.headers['content-length'] ?? 0) > LARGEST) return 413;
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > LARGEST) return 413;
      chunks.push(chunk);
    }
  } catch {
    // The browser left in the middle, or was too slow: nothing of ours is broken.
    return 400;
  }
  return new URLSearchParams(Buffer.concat(chunks).toString('utf8'));
}
