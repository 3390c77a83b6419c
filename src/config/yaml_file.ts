import { readFileSync } from 'node:fs';
import { type Document, parseDocument } from 'yaml';
import type { z } from 'zod';
import { fieldInvalid, type VaultError } from '../model/errors.ts';

/** `what`: `callers file`. FIELD_INVALID where the file cannot be read. */
export function readTextFile(path: string, what: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    throw fieldInvalid(path, `the ${what} cannot be read; check that it exists and who may`);
  }
}

/** What an operator wrote. FIELD_INVALID with all that is wrong at once, each by its place in the file, whose content is never quoted. */
export function readYaml<Schema extends z.ZodType>(text: string, path: string, schema: Schema): z.output<Schema> {
  const document = parseDocument(text, { uniqueKeys: true, stringKeys: true });
  if (document.errors.length > 0) {
    // The parser's own words would quote the file.
    const lines = document.errors.map(({ linePos, code }) => `line ${linePos?.[0].line ?? '?'}: ${code}`);
    throw refusedFile(path, lines);
  }
  const parsed = schema.safeParse(withoutAliases(document, path));
  if (parsed.success) return parsed.data;
  throw refusedFile(
    path,
    parsed.error.issues.map((issue) => `${place(issue.path)} ${wordsOf(issue)}`),
  );
}

/** One fault for each value that stands there more than once. */
export function repeated(what: string, values: readonly string[]): string[] {
  const twice = values.filter((value, index) => values.indexOf(value) !== index);
  return [...new Set(twice)].map((value) => `${what} ${value} stands there twice`);
}

export function refusedFile(path: string, faults: readonly string[]): VaultError {
  return fieldInvalid(path, faults.join('; '));
}

/** They can make a short file endless. */
function withoutAliases(document: Document, path: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 0 });
  } catch {
    throw refusedFile(path, ['has aliases (*name), which are not taken; write the values out']);
  }
}

function place(path: readonly PropertyKey[]): string {
  const words = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`));
  return words.join('').replace(/^\./, '') || 'the file';
}

function wordsOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') return `has unknown fields: ${issue.keys.join(', ')}`;
  if (issue.code === 'invalid_type') return `must be given, as ${issue.expected}`;
  return issue.message;
}
