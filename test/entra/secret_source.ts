import type { Timestamp } from '../../src/model/clock.ts';
import { VaultError } from '../../src/model/errors.ts';
import type { RemoteSecret, SecretSource } from '../../src/model/key_vault_secret_reader_interface.ts';
import { Secret } from '../../src/model/secret.ts';

/** A key vault in memory: a value is cached until it is forgotten. */
export interface MemorySource extends SecretSource {
  /** `setTime`: when it was set; undefined: unknown. */
  put(secretUri: string, value: string, setTime?: Timestamp): void;
  /** Reads from the key vault, without cached ones. */
  readonly reads: string[];
  state: 'up' | 'down' | 'hanging';
}

export function createMemorySource(): MemorySource {
  const vault = new Map<string, { value: string; version: string; setTime: Timestamp | undefined }>();
  const kept = new Map<string, RemoteSecret>();
  const reads: string[] = [];
  return {
    reads,
    state: 'up',
    put(secretUri, value, setTime) {
      vault.set(secretUri, { value, version: `${Math.random()}`, setTime });
    },
    async read(secretUri) {
      const known = kept.get(secretUri);
      if (known !== undefined) return known;
      reads.push(secretUri);
      if (this.state === 'hanging') await new Promise(() => {});
      const found = this.state === 'down' ? undefined : vault.get(secretUri);
      if (found === undefined) throw new VaultError('KEY_SOURCE_UNAVAILABLE', 'The key vault does not answer.');
      const { value, ...facts } = found;
      const read = { ...facts, value: new Secret(value), notBefore: undefined, expireTime: undefined };
      kept.set(secretUri, read);
      return read;
    },
    forget: (secretUri) => kept.delete(secretUri),
    checkUri: (_field, secretUri) => secretUri,
  };
}
