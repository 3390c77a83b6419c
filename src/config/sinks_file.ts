import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { RESOURCE_ID } from '../model/ids.ts';
import { DEFAULT_TYPES, EVENT_TYPES, isOfType, type Sink } from '../model/sink.ts';
import { readSigningSecrets } from './signing_secrets.ts';
import { urlFault } from './sink_url.ts';
import { readTextFile, readYaml, refusedFile, repeated } from './yaml_file.ts';

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

const url = z.string().superRefine((text, context) => {
  const fault = urlFault(text);
  if (fault !== undefined) context.addIssue({ code: 'custom', message: fault });
});

/** Paths of secrets begin in the folder of the file. */
function fileIn(folder: string) {
  const secrets = z.string().transform((path, context) => {
    const file = resolve(folder, path);
    const { fault, ...read } = readSigningSecrets(file);
    if (fault !== undefined) context.addIssue({ code: 'custom', message: fault });
    return { file, ...read };
  });
  const sink = z.strictObject({
    id,
    url,
    secret_file: secrets,
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
  return z.strictObject({ sinks: z.array(sink).min(1, 'must name a sink') });
}

/** Who is told of events. FIELD_INVALID with all that is wrong at once, each by its place in the file; also where a file cannot be read. */
export function readSinksFile(path: string): SinksFile {
  const { sinks } = readYaml(readTextFile(path, 'sinks file'), path, fileIn(dirname(path)));
  const faults = repeated(
    'sink id',
    sinks.map((one) => one.id),
  );
  if (faults.length > 0) throw refusedFile(path, faults);
  return {
    sinks: sinks.map(({ secret_file: { secrets }, min_severity: minSeverity, ...rest }) => ({
      ...rest,
      secrets,
      minSeverity,
    })),
    warnings: sinks
      .filter(({ secret_file: { open } }) => open)
      .map(({ secret_file: { file } }) => `${file}: others on this machine can read it; chmod 0400`),
  };
}
