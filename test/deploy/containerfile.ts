import { readFileSync } from 'node:fs';

/** One instruction, such as `COPY bin ./bin`, with its continued lines joined. */
export interface Instruction {
  readonly name: string;
  readonly words: string;
}

const text = readFileSync(new URL('../../deploy/Containerfile', import.meta.url), 'utf8');

/** The stages of the Containerfile; instructions before the first FROM belong to stage 0. */
export const [globals = [], bundle = [], build = [], image = []] = stages();

/** Arguments in JSON form of an instruction that occurs once, such as CMD. */
export function wordsOf(name: string): readonly string[] {
  return JSON.parse(only(name).replace(/^[^[]*(?=\[)/, '')) as string[];
}

/** The text after an instruction that the image has once. */
export function only(name: string): string {
  const found = image.filter((instruction) => instruction.name === name);
  if (found.length !== 1) throw new Error(`The image has ${found.length} instructions ${name} instead of one.`);
  return found[0]?.words ?? '';
}

function stages(): Instruction[][] {
  const lines = text
    .replaceAll(/^#.*\n/gm, '')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line !== '');
  const found: Instruction[][] = [[]];
  for (const line of lines) {
    const [, name = '', words = ''] = /^(\w+) +(.*)$/.exec(line) ?? [];
    if (name === 'FROM') found.push([]);
    found.at(-1)?.push({ name, words });
  }
  return found;
}
