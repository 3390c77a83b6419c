import { parse } from 'yaml';
import { createScopes } from '../../src/scopes/create_scope_translator.ts';
import { loadCatalogs } from '../../src/scopes/load_scope_catalogs.ts';
import { type Catalog, parseCatalog } from '../../src/scopes/parse_scope_catalog.ts';
import type { Scopes } from '../../src/scopes/scope_translator_interface.ts';

export async function openScopes(...more: string[]): Promise<Scopes> {
  return createScopes({ catalogs: [...(await loadCatalogs()), ...more.map(catalogOf)] });
}

export function catalogOf(yaml: string): Catalog {
  const { catalog, faults } = parseCatalog(parse(yaml), 'FILE');
  if (catalog === undefined) throw new Error(faults.join('\n'));
  return catalog;
}
