import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type Document, parseDocument } from 'yaml';
import { z } from 'zod';
import { fieldInvalid, type VaultError } from '../../model/errors.ts';
import { RESOURCE_ID } from '../../model/ids.ts';
import { readSigningSecrets } from './signing_secrets.ts';
import { DEFAULT_TYPES, EVENT_TYPES, isOfType, type Sink } from './sink.ts';
import { urlFault } from './sink_url.ts';

export interface SinksFile {
  readonly sinks: readonly Sink[];
  /** What works, but should not stay: for the log. */
  readonly warnings: readonly string[];
}

const id = z
  .string()
  .regex(RESOURCE_ID, 'must be small letters, digits and dashes, at most 63, the first one a letter');

const type = z
  .string()
  .refine(
    (wanted) => EVENT_TYPES.some((known) => isOfType(known, wanted)),
    `must be a type of event, or the beginning of some with its dot (credential.); there are ${EVENT_TYPES.join(', ')}`,
  );

const sink = z.strictObject({
  id,
  url: z.string().superRefine((text, context) => {
    const fault = urlFault(text);
    if (fault !== undefined) context.addIssue({ code: 'custom', message: fault });
  }),
  secret_file: z.string().min(1, 'must be a path'),
  types: z
    .array(type)
    .min(1, 'must name a type, or be left out')
    .default([...DEFAULT_TYPES]),
  tenants: z
    .array(z.union([z.literal('*'), id], 'must be the id of a tenant, or "*"'))
    .min(1, 'must name a tenant, or be left out for all')
    .default(['*']),
  min_severity: z.enum(['INFO', 'WARNING', 'CRITICAL'], 'must be INFO, WARNING or CRITICAL').default('INFO'),
});

const file = z.strictObject({ sinks: z.array(sink).min(1, 'must name a sink') });

/** Who is told of events. FIELD_INVALID with all that is wrong at once, each by its place in the file; also where a file cannot be read. */
export function readSinksFile(path: string): SinksFile {
  const parsed = file.safeParse(valuesOf(path));
  if (!parsed.success)
    throw refused(
      path,
      parsed.error.issues.map((issue) => `${place(issue.path)} ${wordsOf(issue)}`),
    );
  const faults: string[] = [];
  const warnings: string[] = [];
  const sinks = parsed.data.sinks.map((one, index): Sink => {
    const secretFile = resolve(dirname(path), one.secret_file);
    const read = readSigningSecrets(secretFile);
    if (read.fault !== undefined) faults.push(`sinks[${index}].secret_file ${read.fault}`);
    if (read.open) warnings.push(`${secretFile}: others on this machine can read it; chmod 0400`);
    const { url, types, tenants, min_severity: minSeverity } = one;
    return { id: one.id, url, secrets: read.secrets, types, tenants, minSeverity };
  });
  const ids = sinks.map((one) => one.id);
  const twice = ids.filter((one, index) => ids.indexOf(one) !== index);
  faults.push(...[...new Set(twice)].map((one) => `sink id ${one} stands there twice`));
  if (faults.length > 0) throw refused(path, faults);
  return { sinks, warnings };
}

function valuesOf(path: string): unknown {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    throw fieldInvalid(path, 'the sinks file cannot be read; check that it exists and who may');
  }
  const document = parseDocument(text, { uniqueKeys: true, stringKeys: true });
  if (document.errors.length > 0) {
    // The parser's own words would quote the file.
    const lines = document.errors.map(({ linePos, code }) => `line ${linePos?.[0].line ?? '?'}: ${code}`);
    throw refused(path, lines);
  }
  return withoutAliases(document, path);
}

/** They can make a short file endless. */
function withoutAliases(document: Document, path: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 0 });
  } catch {
    throw refused(path, ['has aliases (*name), which are not taken; write the values out']);
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

function refused(path: string, faults: readonly string[]): VaultError {
  return fieldInvalid(path, faults.join('; '));
}
