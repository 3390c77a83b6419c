import { readFileSync } from 'node:fs';
import type { MutantResult } from '@stryker-mutator/api/core';

/** A mutant that no test notices. Lines are not part of it, because they change with the file. */
export interface Survivor {
  readonly file: string;
  readonly mutant: string;
}

export interface ListedSurvivor extends Survivor {
  readonly reason: string;
}

const LIST = new URL('survivors.tsv', import.meta.url);
const MAX_LENGTH = 120;

/** The survivors that are accepted, each with a reason. */
export function listedSurvivors(): readonly ListedSurvivor[] {
  const lines = readFileSync(LIST, 'utf8').split('\n').slice(1);
  return lines
    .filter((line) => line !== '')
    .map((line) => {
      const [file = '', mutant = '', reason = ''] = line.split('\t');
      if (reason === '') throw new Error(`survivors.tsv has no reason for ${file} ${mutant}`);
      return { file, mutant, reason };
    });
}

export function survivorOf(file: string, { location, replacement = '' }: MutantResult): Survivor {
  const lines = readFileSync(file, 'utf8')
    .split('\n')
    .slice(location.start.line - 1, location.end.line);
  const last = lines.length - 1;
  lines[last] = lines[last]?.slice(0, location.end.column - 1) ?? '';
  lines[0] = lines[0]?.slice(location.start.column - 1) ?? '';
  return { file, mutant: `${short(lines.join('\n'))} → ${short(replacement)}` };
}

function short(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length <= MAX_LENGTH ? line : `${line.slice(0, MAX_LENGTH)}…`;
}

/** Those that are not listed. Equal ones in a file are listed as often as they survive. */
export function unlisted(found: readonly Survivor[], listed: readonly Survivor[]): readonly Survivor[] {
  const keyOf = ({ file, mutant }: Survivor) => `${file}\t${mutant}`;
  const accepted = new Map<string, number>();
  for (const one of listed) accepted.set(keyOf(one), (accepted.get(keyOf(one)) ?? 0) + 1);
  return found.filter((one) => {
    const left = accepted.get(keyOf(one)) ?? 0;
    accepted.set(keyOf(one), left - 1);
    return left <= 0;
  });
}
