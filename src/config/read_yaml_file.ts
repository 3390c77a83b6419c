import { readFileSync } from 'node:fs';
import { type Document, parseDocument } from 'yaml';
import { z } from 'zod';
import { fieldInvalid, type VaultError } from '../model/errors.ts';
import { RESOURCE_ID } from '../model/id_patterns.ts';

export const resourceId = z
  .string()
  .regex(RESOURCE_ID, 'must be at most 63 lower-case letters, digits and dashes, beginning with a letter');

/** `what`: `callers file`. FIELD_INVALID if the file cannot be read. */
export function readTextFile(path: string, what: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    throw fieldInvalid(path, `Cannot read the ${what}. Check that it exists and its permissions.`);
  }
}

/** FIELD_INVALID with all faults at once, each by its path in the file. The content of the file is never quoted. */
export function readYaml<Schema extends z.ZodType>(text: string, path: string, schema: Schema): z.output<Schema> {
  const document = parseDocument(text, { uniqueKeys: true, stringKeys: true });
  if (document.errors.length > 0) {
    // Messages of the parser quote the file.
    const lines = document.errors.map(
      ({ linePos, code }) => `line ${linePos?.[0].line ?? '?'} is not valid YAML (${code})`,
    );
    throw invalidFile(path, lines);
  }
  const parsed = schema.safeParse(withoutAliases(document, path));
  if (parsed.success) return parsed.data;
  throw invalidFile(
    path,
    parsed.error.issues.map((issue) => `${pathText(issue.path)} ${issueText(issue)}`),
  );
}

/** One fault for each value that occurs more than once. */
export function duplicates(what: string, values: readonly string[]): string[] {
  const seen = new Set<string>();
  const twice = new Set<string>();
  for (const value of values) (seen.has(value) ? twice : seen).add(value);
  return [...twice].map((value) => `${what} ${value} occurs twice`);
}

export function invalidFile(path: string, faults: readonly string[]): VaultError {
  return fieldInvalid(path, faults.join('; '));
}

/** Aliases can expand a short file without limit. */
function withoutAliases(document: Document, path: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 0 });
  } catch {
    throw invalidFile(path, ['has aliases (*name), which are not supported; write out the values']);
  }
}

function pathText(path: readonly PropertyKey[]): string {
  const words = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`));
  return words.join('').replace(/^\./, '') || 'the file';
}

function issueText(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') return `has unknown fields: ${issue.keys.join(', ')}`;
  if (issue.code === 'invalid_type') return `must be given, as ${issue.expected}`;
  return issue.message;
}
