import { z } from 'zod';
import type { KnownKey } from '../model/caller.ts';
import { type Caller, ROLES } from '../model/caller.ts';
import { RESOURCE_ID } from '../model/ids.ts';
import { readTextFile, readYaml, refusedFile, repeated } from './yaml_file.ts';

const id = z
  .string()
  .regex(RESOURCE_ID, 'must be small letters, digits and dashes, at most 63, the first one a letter');

const key = z.strictObject({
  id,
  sha256: z.string().regex(/^[0-9a-f]{64}$/i, 'must be the SHA-256 of the API key, 64 hex digits'),
  expire_time: z.iso.datetime({ offset: true, error: 'must be a time such as 2027-01-31T00:00:00Z' }).optional(),
});

const rule = z.strictObject({
  id,
  role: z.enum(ROLES, `must be one of ${ROLES.join(', ')}`),
  tenants: z
    .array(z.union([z.literal('*'), id], 'must be the id of a tenant, or "*"'))
    .min(1, 'must name at least one tenant, or "*" for all'),
});

const caller = z.strictObject({
  id,
  // Two: the one in use, and the one that replaces it.
  api_keys: z.array(key).min(1, 'must hold a key').max(2, 'may hold two keys: the present one and its successor'),
  rules: z.array(rule),
});

const file = z.strictObject({ callers: z.array(caller).min(1, 'must name at least one caller') });

/** FIELD_INVALID too where the file cannot be read. */
export function readCallersFile(path: string): readonly KnownKey[] {
  return readCallers(readTextFile(path, 'callers file'), path);
}

/** Who may call. Throws FIELD_INVALID with all that is wrong at once, each by its place in the file. `name` is the file's. */
export function readCallers(text: string, name: string): readonly KnownKey[] {
  const { callers } = readYaml(text, name, file);
  const faults = [
    ...repeated(
      'caller id',
      callers.map((one) => one.id),
    ),
    ...repeated(
      'sha256',
      callers.flatMap((one) => one.api_keys.map(({ sha256 }) => sha256.toLowerCase())),
    ),
    ...callers.flatMap((one) =>
      repeated(
        `key id of ${one.id}`,
        one.api_keys.map((known) => known.id),
      ),
    ),
    ...callers.flatMap((one) =>
      repeated(
        `rule id of ${one.id}`,
        one.rules.map((known) => known.id),
      ),
    ),
  ];
  if (faults.length > 0) throw refusedFile(name, faults);
  return callers.flatMap((one) => one.api_keys.map((known) => toKnownKey(one, known)));
}

function toKnownKey(one: z.infer<typeof caller>, known: z.infer<typeof key>): KnownKey {
  const caller: Caller = { id: one.id, kind: 'api_key', credentialId: known.id, rules: one.rules };
  const expireTime = known.expire_time === undefined ? undefined : Date.parse(known.expire_time);
  return { sha256: known.sha256.toLowerCase(), caller, expireTime };
}
