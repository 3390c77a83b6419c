import { expect, test } from 'vitest';
import { createKeySource, parseKeySource } from '../../src/keyring/create_root_key_source.ts';

test('knows the three sources', () => {
  expect(parseKeySource('file:./keys/kek')).toEqual({ kind: 'file', path: './keys/kek' });
  expect(parseKeySource('keyvault-secret:https://acme.vault.azure.net/secrets/kek')).toEqual({
    kind: 'keyvault-secret',
    url: 'https://acme.vault.azure.net/secrets/kek',
  });
  expect(parseKeySource('keyvault-key:https://acme.vault.azure.net/keys/kek,./keys/kek,wrapped')).toEqual({
    kind: 'keyvault-key',
    url: 'https://acme.vault.azure.net/keys/kek',
    path: './keys/kek,wrapped',
  });
});

test('names a source as the operator configured it', () => {
  const key = 'keyvault-key:https://acme.vault.azure.net/keys/kek,./kek.wrapped';
  for (const spec of ['file:./keys/kek', 'keyvault-secret:https://acme.vault.azure.net/secrets/kek/0a1b', key]) {
    expect(createKeySource(spec).name).toBe(spec);
  }
});

test.each([
  '',
  'kek',
  './keys/kek',
  'file:',
  'vault:https://acme',
  'keyvault-secret:',
  'keyvault-secret:acme',
  'keyvault-secret:http://acme.vault.azure.net/secrets/kek',
  'keyvault-secret:https://acme.vault.azure.net/',
  'keyvault-secret:https://acme.vault.azure.net/keys/kek',
  'keyvault-secret:https://acme.vault.azure.net/x/secrets/kek',
  'keyvault-secret:https://acme.vault.azure.net/secrets/kek/1/2',
  'keyvault-secret:https://acme.vault.azure.net/secrets/k_k',
  'keyvault-secret:https://me:pw@acme.vault.azure.net/secrets/kek',
  'keyvault-secret:https://acme.vault.azure.net/secrets/kek?api-version=7.4',
  'keyvault-key:https://acme.vault.azure.net/keys/kek',
  'keyvault-key:https://acme.vault.azure.net/keys/kek,',
  'keyvault-key:https://acme.vault.azure.net/keys/kek/0a1b,./kek.wrapped',
  'keyvault-key:https://acme.vault.azure.net/secrets/kek,./kek.wrapped',
  'keyvault-key:http://acme.vault.azure.net/keys/kek,./kek.wrapped',
])('refuses %j and names the variable', (spec) => {
  for (const work of [() => createKeySource(spec), () => parseKeySource(spec)])
    expect(work).toThrow(
      expect.objectContaining({ reason: 'FIELD_INVALID', metadata: { field: 'TOKENVAULT_KEY_SOURCE' } }),
    );
});
