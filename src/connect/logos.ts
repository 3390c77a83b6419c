import type { Logo } from '../model/logo.ts';

/** Products' logos, for the pages: anybody may see them. */
export interface Logos {
  /** By its hash; undefined: there is none. */
  find(hash: string): Promise<Logo | undefined>;
}
