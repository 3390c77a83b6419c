import { hash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fieldInvalid } from '../model/errors.ts';
import { readFileVersion } from './read_file_version.ts';
import { type Content, readOnce, type SettledFile } from './settled_file_reload.ts';

interface CatalogFile {
  /** Its path. */
  readonly file: string;
  readonly text: string;
}

interface CatalogFolder extends Content {
  readonly files: readonly CatalogFile[];
}

/** The scope catalogs of an operator's folder: its files `*.yaml`, in the order of their names. */
export function catalogFiles<Value>(
  folder: string,
  parse: (files: readonly CatalogFile[]) => Promise<Value>,
): SettledFile<Value, CatalogFolder> {
  return { path: folder, what: 'scope catalogs', read: () => readFolder(folder), parse: ({ files }) => parse(files) };
}

/** None without a folder. FIELD_INVALID if it cannot be read. */
export async function readCatalogFiles(folder: string | undefined): Promise<readonly CatalogFile[]> {
  if (folder === undefined) return [];
  return readOnce(catalogFiles(folder, async (files) => files));
}

async function readFolder(folder: string): Promise<CatalogFolder | undefined> {
  const names = await readdir(folder).catch((cause: NodeJS.ErrnoException) => {
    throw fieldInvalid(
      'TOKENVAULT_CATALOGS_DIR',
      `cannot read the directory ${folder} (${cause.code ?? 'unknown error'}). Check that it exists and its permissions.`,
    );
  });
  const versions = await Promise.all(
    names
      .filter((name) => name.endsWith('.yaml'))
      .sort()
      .map(async (name) => {
        const file = join(folder, name);
        const version = await readFileVersion(file, 'scope catalog', { othersMayWrite: true });
        return version && { ...version, name, file };
      }),
  );
  const files = versions.filter((version) => version !== undefined);
  if (files.length < versions.length) return undefined;
  return {
    files,
    sha256: hash('sha256', files.map(({ name, sha256 }) => `${name} ${sha256}`).join('\n'), 'hex'),
    stamp: files.map(({ name, stamp }) => `${name} ${stamp}`).join('\n'),
  };
}
