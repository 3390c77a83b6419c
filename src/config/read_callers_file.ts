import { z } from 'zod';
import { type Caller, type KnownKey, ROLES } from '../model/authenticated_caller.ts';
import { duplicates, invalidFile, readYaml, resourceId } from './read_yaml_file.ts';

const key = z.strictObject({
  id: resourceId,
  sha256: z.string().regex(/^[0-9a-f]{64}$/i, 'must be the SHA-256 of the API key, 64 hex digits'),
  expire_time: z.iso.datetime({ offset: true, error: 'must be given, as a time such as 2027-01-31T00:00:00Z' }),
});

const rule = z.strictObject({
  id: resourceId,
  role: z.enum(ROLES, `must be one of ${ROLES.join(', ')}`),
  tenants: z
    .array(z.union([z.literal('*'), resourceId], 'must be the id of a tenant, or "*"'))
    .min(1, 'must name at least one tenant, or "*" for all'),
});

const caller = z.strictObject({
  id: resourceId,
  api_keys: z.array(key).min(1, 'must have a key').max(2, 'may have two keys: the current one and its successor'),
  rules: z.array(rule),
});

const content = z
  .strictObject({
    version: z.literal(1, 'must be 1, in the first line'),
    callers: z.array(caller).min(1, 'must name at least one caller'),
    end: z.literal(true, 'must be true, in the last line; the file may be incomplete'),
  })
  .refine(({ callers }) => callers.some(({ rules }) => rules.some(isOfAdmin)), {
    error: 'must have a caller with the role admin in all tenants ("*"); the file may be incomplete',
  });

/** Of the fields as written, since the schema of an object sorts them. */
const ordered = z.unknown().refine((raw) => !isObject(raw) || ['end', undefined].includes(Object.keys(raw)[2]), {
  error: 'must have the fields version, callers and end in this order',
});

const file = ordered.pipe(content);

function isObject(raw: unknown): raw is object {
  return typeof raw === 'object' && raw !== null;
}

function isOfAdmin({ role, tenants }: z.infer<typeof rule>): boolean {
  return role === 'admin' && tenants.includes('*');
}

/** API keys of callers, and what they may do. `name` is the file's. FIELD_INVALID with all faults at once. */
export function readCallers(text: string, name: string): readonly KnownKey[] {
  const { callers } = readYaml(text, name, file);
  const idsOf = (all: readonly { readonly id: string }[]) => all.map(({ id }) => id);
  const hashes = callers.flatMap(({ api_keys }) => api_keys.map(({ sha256 }) => sha256.toLowerCase()));
  const faults = [
    ...duplicates('caller id', idsOf(callers)),
    ...duplicates('sha256', hashes),
    ...callers.flatMap(({ id, api_keys }) => duplicates(`key id of ${id}`, idsOf(api_keys))),
    ...callers.flatMap(({ id, rules }) => duplicates(`rule id of ${id}`, idsOf(rules))),
  ];
  if (faults.length > 0) throw invalidFile(name, faults);
  return callers.flatMap((one) => one.api_keys.map((known) => toKnownKey(one, known)));
}

function toKnownKey(one: z.infer<typeof caller>, known: z.infer<typeof key>): KnownKey {
  const caller: Caller = { id: one.id, kind: 'api_key', credentialId: known.id, rules: one.rules };
  return { sha256: known.sha256.toLowerCase(), caller, expireTime: Date.parse(known.expire_time) };
}
