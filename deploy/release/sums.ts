import { hash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

export interface ReleaseFile {
  /** The path in the release. */
  readonly name: string;
  readonly size: number;
}

/** Writes `SHA256SUMS`, which `sha256sum --check` reads. Returns the files that it lists. */
export function writeSums(folder: string): ReleaseFile[] {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).replaceAll(sep, '/'))
    .sort()
    .map((name) => ({ name, bytes: readFileSync(join(folder, name)) }));
  const lines = files.map(({ name, bytes }) => `${hash('sha256', bytes)}  ${name}\n`);
  writeFileSync(join(folder, 'SHA256SUMS'), lines.join(''));
  return files.map(({ name, bytes }) => ({ name, size: bytes.length }));
}
