import { expect, test } from 'vitest';
import { findPreset, PRESET_NAMES } from '../../src/registry/registration_presets_of_products.ts';
import { openScopes } from './open_scopes.ts';

const scopes = await openScopes();

test.each(PRESET_NAMES)('%s names an existing catalog and scopes, and requests a refresh token', (name) => {
  const preset = findPreset(name);
  if (preset === undefined) throw new Error('no preset');
  const { catalog, productScopes = [] } = preset;
  expect(scopes.canonical(catalog, productScopes)).toHaveLength(productScopes.length);
  expect(scopes.resolve(preset.implicitPermissions, 'GLOBAL').oidcScopes).toContain('offline_access');
});

test('aurinko requests the implicit permissions of its catalog', () => {
  const catalog = scopes.catalogs().find(({ name }) => name === 'aurinko');
  expect(findPreset('aurinko')?.implicitPermissions).toEqual(catalog?.implicitPermissions);
});

test.each(['', 'Aurinko', 'constructor', '__proto__'])('there is no preset %j', (name) => {
  expect(findPreset(name)).toBeUndefined();
});
