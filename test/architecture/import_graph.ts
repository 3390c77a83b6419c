import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const checkout = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const VAULT = 'src';
export const TYPESCRIPT_CLIENT = 'clients/typescript/src';

export interface SourceFile {
  /** Relative to the folder of the sources. */
  readonly path: string;
  readonly text: string;
  /** As written: `./clock.ts`, `node:fs`, `zod`. */
  readonly imports: readonly string[];
}

export function sourceFiles(folder = VAULT): SourceFile[] {
  const root = join(checkout, folder);
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .sort()
    .map((path) => {
      const text = readFileSync(join(root, path), 'utf8');
      return { path, text, imports: importsOf(text) };
    });
}

/** By file: the files of the folder that it imports, types included. */
export function importGraph(folder?: string): Map<string, string[]> {
  return new Map(
    sourceFiles(folder).map(({ path, imports }) => [
      path,
      imports.filter((name) => name.startsWith('.')).map((name) => join(dirname(path), name)),
    ]),
  );
}

function importsOf(text: string): string[] {
  return [...text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map((match) => match[1] ?? '');
}
