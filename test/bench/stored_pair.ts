import type { Figure } from './section.ts';
import { pairedRatio, spread } from './statistics.ts';
import type { VaultFolder } from './vault_folder.ts';

/** A vault on PostgreSQL, and how many connections it has. */
export interface Stored {
  readonly connections: number;
  readonly folder: VaultFolder;
}

export type Pair = readonly [few: Stored, many: Stored];

/** Limit of the cost with many connections, as a multiple of the cost with few. */
const FLAT = 1.3;

/** The figures of one measurement, whose rounds are paired. */
export function flatFigures(
  name: string,
  unit: Figure['unit'],
  pair: Pair,
  [few, many]: readonly [readonly number[], readonly number[]],
): Figure[] {
  const [fewer, more] = pair.map(({ connections }) => connections.toLocaleString('en'));
  return [
    { name: `${name}: ${more} stored / ${fewer}`, value: pairedRatio(many, few), unit: 'ratio', aim: { atMost: FLAT } },
    { name: `${name}, ${fewer} stored`, value: spread(few), unit },
    { name: `${name}, ${more} stored`, value: spread(many), unit },
  ];
}
