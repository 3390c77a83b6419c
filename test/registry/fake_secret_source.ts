import { fieldInvalid, VaultError } from '../../src/model/errors.ts';
import type { RemoteSecret, SecretSource } from '../../src/model/key_vault_secret_reader_interface.ts';

export const KEY_VAULT = 'https://acme.vault.azure.net';

export interface FakeSecretSource extends SecretSource {
  readonly secrets: Map<string, RemoteSecret>;
}

/** A fake of one key vault, with a cache like that of keyring/, which has its own tests. */
export function createFakeSecretSource(): FakeSecretSource {
  const secrets = new Map<string, RemoteSecret>();
  const kept = new Map<string, RemoteSecret>();
  return {
    secrets,
    forget: (secretUri) => kept.delete(secretUri),
    checkUri(field, secretUri) {
      const uri = secretUri.toLowerCase().replace(/\/$/, '');
      if (uri.startsWith(`${KEY_VAULT}/secrets/`)) return uri;
      throw fieldInvalid(field, 'is in no key vault of TOKENVAULT_KEY_VAULTS');
    },
    async read(secretUri) {
      const found = kept.get(secretUri) ?? secrets.get(secretUri);
      if (found !== undefined) {
        kept.set(secretUri, found);
        return found;
      }
      throw new VaultError('KEY_SOURCE_UNAVAILABLE', 'The key vault refuses (403)');
    },
  };
}
