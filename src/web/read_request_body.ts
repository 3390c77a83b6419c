import type { IncomingMessage } from 'node:http';

/** A body of at most `largest` bytes. 413: it is larger. 400: it is incomplete. */
export async function readBody(request: IncomingMessage, largest: number): Promise<Buffer | 400 | 413> {
  if (Number(request.headers['content-length'] ?? 0) > largest) return 413;
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > largest) return 413;
      chunks.push(chunk);
    }
  } catch {
    // The client disconnected or was too slow.
    return 400;
  }
  return Buffer.concat(chunks);
}

/** In lower case, without parameters; `''`: no content type. */
export function mediaType(request: IncomingMessage): string {
  return (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
}
