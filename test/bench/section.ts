import type { Filling } from './filled_vault.ts';
import type { Load } from './load.ts';
import type { Spread } from './statistics.ts';
import type { VaultFolder } from './vault_folder.ts';

/** One line of the report. */
export interface Figure {
  readonly name: string;
  readonly value: Spread;
  readonly unit: 'ratio' | 'share' | 'calls/s' | '/s' | 'ns' | 'us' | 'ms' | 'bytes' | '%' | 'rounds';
  readonly aim?: Aim;
}

export type Aim = { readonly atLeast: number } | { readonly atMost: number };

export interface SectionReport {
  readonly title: string;
  readonly figures: readonly Figure[];
}

export interface Bench {
  /** Full load with one repeated request: h2load if it is installed. */
  readonly load: Load;
  /** Load with a different request each time. */
  readonly clientLoad: Load;
  readonly isQuick: boolean;
  /** Number of rounds; fewer with `--quick`. */
  rounds(full: number): number;
  /** Prints one line for a step. */
  progress(step: string): void;
  /** A vault's folder with this number of connections, created once a run and removed at its end. */
  filled(filling: Filling): Promise<VaultFolder>;
  /** Folder of the CPU profiles; undefined: no profiles. */
  readonly profileFolder: string | undefined;
  /** Checkout whose vault is measured in the same rounds; undefined: none. */
  readonly base: string | undefined;
}

export function isMet({ value, aim }: Figure): boolean | undefined {
  if (aim === undefined) return undefined;
  return 'atLeast' in aim ? value.median >= aim.atLeast : value.median <= aim.atMost;
}
