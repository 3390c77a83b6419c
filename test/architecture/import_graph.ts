import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../../src');

export interface SourceFile {
  /** Relative to `src/`. */
  readonly path: string;
  readonly text: string;
  /** As written: `./clock.ts`, `node:fs`, `zod`. */
  readonly imports: readonly string[];
}

export function sourceFiles(): SourceFile[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .sort()
    .map((path) => {
      const text = readFileSync(join(root, path), 'utf8');
      return { path, text, imports: importsOf(text) };
    });
}

/** By file: the files of `src/` that it imports, types included. */
export function importGraph(): Map<string, string[]> {
  return new Map(
    sourceFiles().map(({ path, imports }) => [
      path,
      imports.filter((name) => name.startsWith('.')).map((name) => join(dirname(path), name)),
    ]),
  );
}

function importsOf(text: string): string[] {
  return [...text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map((match) => match[1] ?? '');
}
