import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { EVENT_TYPES } from '../model/event_data_format.ts';
import { DEFAULT_TYPES, isOfType, type Sink } from '../model/event_sink.ts';
import { outgoingUrlFault } from './outgoing_url.ts';
import { readSigningSecrets } from './read_webhook_signing_secrets.ts';
import { duplicates, invalidFile, readTextFile, readYaml, resourceId } from './read_yaml_file.ts';

export interface SinksFile {
  readonly sinks: readonly Sink[];
  /** Problems to log that do not prevent the start. */
  readonly warnings: readonly string[];
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
function fileIn(folder: string) {
  const secrets = z.string().transform((path, context) => {
    const read = readSigningSecrets(resolve(folder, path));
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

/** Destinations of events. FIELD_INVALID with all faults at once, each by its path in the file. */
export function readSinksFile(path: string): SinksFile {
  const { sinks } = readYaml(readTextFile(path, 'sinks file'), path, fileIn(dirname(path)));
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
