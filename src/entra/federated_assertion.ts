import { open } from 'node:fs/promises';
import { Secret } from '../model/secret.ts';

const LARGEST = 64 * 1024;

/**
 * What the platform last projected into the file. Read at each use, since the platform replaces it whenever it likes
 * and a used-up assertion looks to Entra like a refused app.
 */
export async function readFederatedAssertion(path: string): Promise<Secret> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(LARGEST + 1), 0, LARGEST + 1, 0);
    const text = buffer.subarray(0, bytesRead).toString('utf8').trim();
    if (bytesRead > LARGEST || !/^[\w-]+\.[\w-]+\.[\w-]+$/.test(text)) throw new Error('not a JWT');
    return new Secret(text);
  } finally {
    await file.close();
  }
}
