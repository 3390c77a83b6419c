import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse, YAMLParseError } from 'yaml';
import { VaultError } from '../model/errors.ts';
import { type Catalog, parseCatalog } from './parse_scope_catalog.ts';

const BUILT_IN = fileURLToPath(new URL('./catalogs', import.meta.url));

/** A YAML file of an operator. */
export interface CatalogFile {
  readonly file: string;
  readonly text: string;
}

/**
 * The built-in catalogs and those of the operator's files, sorted by name.
 * FIELD_INVALID lists all faults of all files at once, each with its file and its path in the file.
 */
export async function loadCatalogs(own: readonly CatalogFile[] = []): Promise<readonly Catalog[]> {
  const faults: string[] = [];
  const catalogs = new Map<string, Catalog>();
  const files = [
    ...(await builtIn()).map((one) => ({ ...one, source: 'BUILT_IN' as const })),
    ...own.map((one) => ({ ...one, source: 'FILE' as const })),
  ];
  for (const { file, text, source } of files) {
    const result = readCatalog(text, source);
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

async function builtIn(): Promise<readonly CatalogFile[]> {
  const names = await readdir(BUILT_IN);
  const files = names.filter((name) => name.endsWith('.yaml')).map((name) => join(BUILT_IN, name));
  return Promise.all(files.map(async (file) => ({ file, text: await readFile(file, 'utf8') })));
}

function readCatalog(text: string, source: Catalog['source']) {
  let content: unknown;
  try {
    // A cap on aliases, so that a small file cannot expand without bound. Duplicate keys are errors by default.
    content = parse(text, { maxAliasCount: 50 });
  } catch (error) {
    // Messages of the parser quote the file.
    const what = error instanceof YAMLParseError ? `line ${error.linePos?.[0].line ?? '?'} (${error.code})` : 'aliases';
    return { catalog: undefined, faults: [`cannot be read as YAML: ${what}`] };
  }
  return parseCatalog(content, source);
}
