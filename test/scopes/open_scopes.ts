import { parse } from 'yaml';
import { type Catalog, parseCatalog } from '../../src/scopes/catalog.ts';
import { createScopes } from '../../src/scopes/create_scopes.ts';
import { loadCatalogs } from '../../src/scopes/load_catalogs.ts';
import type { Scopes } from '../../src/scopes/scopes.ts';

export async function openScopes(...more: string[]): Promise<Scopes> {
  return createScopes({ catalogs: [...(await loadCatalogs()), ...more.map(catalogOf)] });
}

export function catalogOf(yaml: string): Catalog {
  const { catalog, faults } = parseCatalog(parse(yaml), 'FILE');
  if (catalog === undefined) throw new Error(faults.join('\n'));
  return catalog;
}
