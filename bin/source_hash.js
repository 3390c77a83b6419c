import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** SHA-256 of the TypeScript sources and the lock file, in hex. Undefined without sources, as in a container image. */
export function sourceHash(root) {
  const sources = join(root, 'src');
  if (!existsSync(join(sources, 'main.ts'))) return undefined;
  const files = readdirSync(sources, { recursive: true })
    .filter((name) => name.endsWith('.ts'))
    .sort()
    .map((name) => join(sources, name));
  const hash = createHash('sha256');
  for (const file of [...files, join(root, 'package-lock.json')]) hash.update(readFileSync(file)).update('\0');
  return hash.digest('hex');
}
