import type { Logo } from '../model/logo.ts';
import type { Stores } from '../store/stores.ts';

/** Products' logos, for the pages: anybody may see them. */
export interface Logos {
  /** By its hash; undefined: there is none. */
  find(hash: string): Promise<Logo | undefined>;
}

const SHA256_HEX = /^[0-9a-f]{64}$/;

export function createLogos({
  stores,
}: {
  readonly stores: { readonly apps: Pick<Stores['apps'], 'findLogo'> };
}): Logos {
  return {
    // What cannot be one is answered without asking the database.
    find: async (hash) => (SHA256_HEX.test(hash) ? stores.apps.findLogo(hash) : undefined),
  };
}
