import { catalogFiles } from '../config/catalog_files.ts';
import type { Config } from '../config/config_interface.ts';
import { createScopes } from '../scopes/create_scope_translator.ts';
import { loadCatalogs } from '../scopes/load_scope_catalogs.ts';
import { createReplaceableScopes, type ReplaceableScopes } from '../scopes/replaceable_scopes.ts';
import type { SettingsFiles } from './settings_files.ts';

/** The scopes of the built-in catalogs and of the operator's, which are read again. FIELD_INVALID if one is not valid. */
export async function openScopes(
  { catalogsDir }: Pick<Config, 'catalogsDir'>,
  settingsFiles: SettingsFiles,
): Promise<ReplaceableScopes> {
  const scopes = createReplaceableScopes(createScopes({ catalogs: await loadCatalogs() }));
  if (catalogsDir === undefined) return scopes;
  const load = async (files: Parameters<typeof loadCatalogs>[0]) =>
    createScopes({ catalogs: await loadCatalogs(files) });
  await settingsFiles.follow(catalogFiles(catalogsDir, load), scopes.replace);
  return scopes;
}
