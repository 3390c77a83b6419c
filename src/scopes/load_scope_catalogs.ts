import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { fieldInvalid, VaultError } from '../model/errors.ts';
import { type Catalog, parseCatalog } from './parse_scope_catalog.ts';

const BUILT_IN = fileURLToPath(new URL('./catalogs', import.meta.url));

/**
 * The built-in catalogs and those of the operator's directory (`*.yaml`), sorted by name.
 * FIELD_INVALID lists all faults of all files at once, each with its file and its path in the file.
 */
export async function loadCatalogs(directory?: string): Promise<readonly Catalog[]> {
  const faults: string[] = [];
  const catalogs = new Map<string, Catalog>();
  const files = [
    ...(await yamlFiles(BUILT_IN, 'BUILT_IN')),
    ...(directory === undefined ? [] : await yamlFiles(directory, 'FILE')),
  ];
  for (const { file, source } of files) {
    const result = await readCatalog(file, source);
    faults.push(...result.faults.map((fault) => `${file}: ${fault}`));
    if (result.catalog === undefined) continue;
    const earlier = catalogs.get(result.catalog.name);
    if (earlier !== undefined) {
      const owner = earlier.source === 'BUILT_IN' ? 'a built-in catalog' : 'another file';
      faults.push(`${file}: name: ${result.catalog.name} is already the name of ${owner}. Choose another.`);
      continue;
    }
    catalogs.set(result.catalog.name, result.catalog);
  }
  if (faults.length > 0) {
    throw new VaultError('FIELD_INVALID', `scope catalogs:\n${faults.map((fault) => `  ${fault}`).join('\n')}`, {
      metadata: { field: 'TOKENVAULT_CATALOGS_DIR' },
    });
  }
  return [...catalogs.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function yamlFiles(directory: string, source: Catalog['source']) {
  const names = await readdir(directory).catch((cause: NodeJS.ErrnoException) => {
    throw fieldInvalid(
      'TOKENVAULT_CATALOGS_DIR',
      `cannot read the directory ${directory} (${cause.code ?? 'unknown error'}). Check that it exists and its permissions.`,
    );
  });
  return names
    .filter((name) => name.endsWith('.yaml'))
    .sort()
    .map((name) => ({ file: join(directory, name), source }));
}

async function readCatalog(file: string, source: Catalog['source']) {
  let content: unknown;
  try {
    // A cap on aliases, so that a small file cannot expand without bound. Duplicate keys are errors by default.
    content = parse(await readFile(file, 'utf8'), { maxAliasCount: 50 });
  } catch (error) {
    const what = error instanceof Error ? (error.message.split('\n')[0] ?? '') : 'unknown error';
    return { catalog: undefined, faults: [`cannot be read as YAML: ${what}`] };
  }
  return parseCatalog(content, source);
}
