import { readdirSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { create } from 'tar';

interface Options {
  /** The name of the only folder in the archive. */
  readonly name: string;
  readonly time: Date;
  readonly root: string;
  /** Files and folders in `root`. */
  readonly paths: readonly string[];
  readonly omit?: RegExp;
}

/** Writes a `.tar.gz` that depends on its contents only: sorted names, one time, no owner. */
export function writeArchive(file: string, { name, time, root, paths, omit = /^$/ }: Options): Promise<void> {
  const files = paths
    .flatMap((path) => filesAt(root, path))
    .filter((path) => !omit.test(path))
    .sort();
  return create({ file, cwd: root, prefix: name, gzip: true, portable: true, mtime: time, noDirRecurse: true }, files);
}

function filesAt(root: string, path: string): string[] {
  if (statSync(join(root, path)).isFile()) return [path];
  return readdirSync(join(root, path), { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));
}
