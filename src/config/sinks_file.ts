import { hash } from 'node:crypto';
import { dirname, resolve } from 'node:path';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { EVENT_TYPES } from '../model/event_data_format.ts';
import { DEFAULT_TYPES, isOfType, type Sink } from '../model/event_sink.ts';
import { outgoingUrlFault } from './outgoing_url.ts';
import { type FileVersion, readFileVersion } from './read_file_version.ts';
import { readSecretsFile, type SecretsFile } from './read_secrets_file.ts';
import { parseSigningSecrets } from './read_webhook_signing_secrets.ts';
import { duplicates, invalidFile, readYaml, resourceId } from './read_yaml_file.ts';
import type { SettledFile } from './settled_file_reload.ts';

export interface Sinks {
  readonly sinks: readonly Sink[];
  /** Problems to log that do not prevent the start. */
  readonly warnings: readonly string[];
}

/** The sinks file, and the secret files that it names. */
interface SinksFileVersion extends FileVersion {
  /** By path, as the sinks file has it. */
  readonly secrets: ReadonlyMap<string, SecretsFile>;
}

const WHAT = 'sinks file';

/** Destinations of events. FIELD_INVALID has all faults at once, each by its path in the file. */
export function sinksFile(path: string): SettledFile<Sinks, SinksFileVersion> {
  return { path, what: WHAT, read: () => readAll(path), parse: (version) => parseSinks(version, path) };
}

/** A change of a secret file is a change of the whole. */
async function readAll(path: string): Promise<SinksFileVersion | undefined> {
  const file = await readFileVersion(path, WHAT, { othersMayWrite: true });
  if (file === undefined) return undefined;
  const secrets = new Map<string, SecretsFile>();
  for (const name of secretFilesIn(file.text)) {
    const secret = await readSecretsFile(resolve(dirname(path), name));
    if (secret === undefined) return undefined;
    secrets.set(name, secret);
  }
  const all = [file, ...secrets.values()];
  const hashes = all.map((one) => ('fault' in one ? one.fault : one.sha256));
  return {
    ...file,
    sha256: hash('sha256', hashes.join('\n'), 'hex'),
    stamp: all.map((one) => ('fault' in one ? one.fault : one.stamp)).join('\n'),
    secrets,
  };
}

/** Without a check of the rest of the file. */
function secretFilesIn(text: string): readonly string[] {
  try {
    const content: unknown = parseDocument(text).toJS({ maxAliasCount: 0 });
    const { data } = z.object({ sinks: z.array(z.unknown()) }).safeParse(content);
    return (data?.sinks ?? []).flatMap((sink) => {
      const named = z.object({ secret_file: z.string() }).safeParse(sink);
      return named.success ? [named.data.secret_file] : [];
    });
  } catch {
    return [];
  }
}

function parseSinks({ text, secrets: files }: SinksFileVersion, path: string): Sinks {
  const { sinks } = readYaml(text, path, schemaOf(files, dirname(path)));
  const faults = duplicates(
    'sink id',
    sinks.map((one) => one.id),
  );
  if (faults.length > 0) throw invalidFile(path, faults);
  return {
    sinks: sinks.map(({ secret_file: { secrets }, min_severity: minSeverity, ...rest }) => ({
      ...rest,
      secrets,
      minSeverity,
    })),
    warnings: sinks.flatMap(({ secret_file: { warnings } }) => warnings),
  };
}

const type = z
  .string()
  .refine(
    (wanted) => EVENT_TYPES.some((known) => isOfType(known, wanted)),
    `must be an event type, or a prefix with its dot (credential.). Event types: ${EVENT_TYPES.join(', ')}`,
  );

const url = z.string().superRefine((text, context) => {
  const fault = outgoingUrlFault(text);
  if (fault !== undefined) context.addIssue({ code: 'custom', message: fault });
});

/** Relative paths of secret files begin in `folder`. */
function schemaOf(files: ReadonlyMap<string, SecretsFile>, folder: string) {
  const secrets = z.string().transform((name, context) => {
    const file = files.get(name) ?? { fault: 'must name a file' };
    const read = parseSigningSecrets(file, resolve(folder, name));
    if (read.fault === undefined) return read;
    context.addIssue({ code: 'custom', message: read.fault });
    return z.NEVER;
  });
  const sink = z.strictObject({
    id: resourceId,
    url,
    secret_file: secrets,
    types: z
      .array(type)
      .min(1, 'must name an event type, or be omitted')
      .default([...DEFAULT_TYPES]),
    tenants: z
      .array(z.union([z.literal('*'), resourceId], 'must be the id of a tenant, or "*"'))
      .min(1, 'must name a tenant, or be omitted for all tenants')
      .default(['*']),
    min_severity: z.enum(['INFO', 'WARNING', 'CRITICAL'], 'must be INFO, WARNING or CRITICAL').default('INFO'),
  });
  return z.strictObject({ sinks: z.array(sink).min(1, 'must name a sink') });
}
