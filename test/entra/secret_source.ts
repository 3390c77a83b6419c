import { VaultError } from '../../src/model/errors.ts';
import { Secret } from '../../src/model/secret.ts';
import type { SecretSource, SourcedSecret } from '../../src/model/secret_source.ts';

/** A key vault in memory: a value is kept as read until it is forgotten. */
export interface MemorySource extends SecretSource {
  put(secretUri: string, value: string): void;
  /** Values asked of the key vault, kept ones not counted. */
  readonly reads: string[];
  state: 'up' | 'down' | 'hanging';
}

export function createMemorySource(): MemorySource {
  const vault = new Map<string, { value: string; version: string }>();
  const kept = new Map<string, SourcedSecret>();
  const reads: string[] = [];
  return {
    reads,
    state: 'up',
    put(secretUri, value) {
      vault.set(secretUri, { value, version: `${Math.random()}` });
    },
    async read(secretUri) {
      const known = kept.get(secretUri);
      if (known !== undefined) return known;
      reads.push(secretUri);
      if (this.state === 'hanging') await new Promise(() => {});
      const found = this.state === 'down' ? undefined : vault.get(secretUri);
      if (found === undefined) throw new VaultError('KEY_SOURCE_UNAVAILABLE', 'The key vault does not answer.');
      const { value, version } = found;
      const read = { value: new Secret(value), version, notBefore: undefined, expireTime: undefined };
      kept.set(secretUri, read);
      return read;
    },
    forget: (secretUri) => kept.delete(secretUri),
    checkUri: (_field, secretUri) => secretUri,
  };
}
