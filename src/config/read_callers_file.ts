import { z } from 'zod';
import { type CallRate, type KnownCallers, ROLES, type Rule } from '../model/authenticated_caller.ts';
import { CONNECTION_GLOB } from '../model/connection_glob.ts';
import { ACCESS_PREFIX } from '../model/tenant_labels.ts';
import {
  credentialFaults,
  credentialFields,
  hasCredentials,
  time,
  toKnownCredentials,
} from './callers_file_credentials.ts';
import { issuer, issuerFaults } from './callers_file_issuers.ts';
import { duplicates, invalidFile, readYaml, resourceId } from './read_yaml_file.ts';

const rate = z.strictObject({
  per_second: z.number().min(0.001, 'must be at least 0.001').max(1_000_000, 'must be at most 1000000'),
  burst: z.int('must be a whole number').min(1, 'must be at least 1').max(1_000_000, 'must be at most 1000000'),
});

const NO_TENANTS = `must be a list of ids of tenants, or labels such as { ${ACCESS_PREFIX}tier: gold }`;

const tenantIds = z
  .array(z.union([z.literal('*'), resourceId], 'must be the id of a tenant, or "*"'))
  .min(1, 'must name at least one tenant, or "*" for all');

const tenantSelector = z
  .record(z.string().regex(/^access\.[a-z0-9_.-]{1,56}$/), z.string().max(128))
  .refine((labels) => Object.keys(labels).length > 0, NO_TENANTS);

const rule = z
  .strictObject({
    id: resourceId,
    effect: z.enum(['ALLOW', 'DENY'], 'must be ALLOW or DENY').default('ALLOW'),
    role: z.enum(ROLES, `must be one of ${ROLES.join(', ')}`).optional(),
    actions: z.array(z.string()).min(1, 'must name at least one action').optional(),
    tenants: z.union([tenantIds, tenantSelector], NO_TENANTS),
    connections: z
      .string()
      .regex(CONNECTION_GLOB, 'must be a connection id of at most 128 characters, in which * stands for any')
      .optional(),
    scopes: z.array(z.string().min(1)).min(1, 'must name at least one scope or permission').optional(),
    excess: z.enum(['REFUSE', 'ALLOW'], 'must be REFUSE or ALLOW').optional(),
    rate: rate.optional(),
    not_after: time.optional(),
  })
  .refine(({ role, actions }) => (role === undefined) !== (actions === undefined), 'must have either role or actions')
  .refine(({ scopes, excess }) => (scopes === undefined) === (excess === undefined), {
    error: 'must have scopes and excess together: REFUSE or ALLOW tokens that carry more than the scopes',
  })
  // Other methods would not apply the ceiling.
  .refine((one) => one.scopes === undefined || isOfTokens(one), {
    error: 'may have scopes only with effect ALLOW, and the role token_reader or actions of TokenService',
  })
  .refine((one) => one.rate === undefined || one.effect === 'ALLOW', 'may have a rate only with effect ALLOW');

function isOfTokens(one: {
  readonly effect: string;
  readonly role?: string | undefined;
  readonly actions?: readonly string[] | undefined;
}): boolean {
  const { effect, role, actions = [] } = one;
  return (
    effect === 'ALLOW' && (role === 'token_reader' || actions.some(isOfTokenService)) && actions.every(isOfTokenService)
  );
}

function isOfTokenService(action: string): boolean {
  return action.startsWith('TokenService/');
}

const caller = z
  .strictObject({ id: resourceId, ...credentialFields, rules: z.array(rule) })
  .refine(hasCredentials, 'must have api_keys, certificates or tokens');

const content = z
  .strictObject({
    version: z.literal(1, 'must be 1, in the first line'),
    issuers: z.array(issuer).max(16, 'may have at most 16 issuers').default([]),
    callers: z.array(caller).min(1, 'must name at least one caller'),
    end: z.literal(true, 'must be true, in the last line; the file may be incomplete'),
  })
  .refine(({ callers }) => callers.some(({ rules }) => rules.some(isOfAdmin)), {
    error: 'must have a caller with the role admin in all tenants ("*"); the file may be incomplete',
  });

const FIELDS = ['version', 'issuers', 'callers', 'end'];

/** Of the fields as written, since the schema of an object sorts them. */
const ordered = z.unknown().refine((raw) => !isObject(raw) || isOrdered(Object.keys(raw)), {
  error: 'must have the fields version, issuers (optional), callers and end in this order',
});

/** The schema reports missing and unknown fields. */
function isOrdered(fields: readonly string[]): boolean {
  const known = FIELDS.filter((field) => fields.includes(field));
  return fields.filter((field) => FIELDS.includes(field)).every((field, at) => field === known[at]);
}

const file = ordered.pipe(content);

function isObject(raw: unknown): raw is object {
  return typeof raw === 'object' && raw !== null;
}

function isOfAdmin({ effect, role, tenants }: z.infer<typeof rule>): boolean {
  return effect === 'ALLOW' && role === 'admin' && Array.isArray(tenants) && tenants.includes('*');
}

/** The names that a callers file may use. */
export interface CallersVocabulary {
  /** `TokenService/GetAccessToken` of each method. */
  readonly methods: readonly string[];
  readonly isScopeOrPermission: (text: string) => boolean;
}

type FileContent = Omit<KnownCallers, 'sha256'>;

/** Credentials of callers, and what they may do. `name` is the file's. FIELD_INVALID with all faults at once. */
export function readCallers(text: string, name: string, vocabulary: CallersVocabulary): FileContent {
  const { callers, issuers } = readYaml(text, name, file);
  const idsOf = (all: readonly { readonly id: string }[]) => all.map(({ id }) => id);
  const faults = [
    ...duplicates('caller id', idsOf(callers)),
    ...issuerFaults(issuers),
    ...credentialFaults(callers, issuers),
    ...callers.flatMap(({ id, rules }) => duplicates(`rule id of ${id}`, idsOf(rules))),
    ...callers.flatMap(({ id, rules }) => rules.flatMap((one) => actionFaults(id, one, vocabulary))),
    ...callers.flatMap(({ id, rules }) => rules.flatMap((one) => scopeFaults(id, one, vocabulary))),
  ];
  if (faults.length > 0) throw invalidFile(name, faults);
  const known = callers.map((one) => toKnownCredentials(one.id, one, one.rules.map(toRule)));
  return {
    keys: known.flatMap(({ keys }) => keys),
    certificates: known.flatMap(({ certificates }) => certificates),
    tokens: known.flatMap(({ tokens }) => tokens),
    issuers,
  };
}

function actionFaults(callerId: string, { id, effect, actions = [] }: WrittenRule, { methods }: CallersVocabulary) {
  const services = new Set(methods.map((method) => `${method.slice(0, method.indexOf('/'))}/*`));
  return actions
    .filter((action) => !methods.includes(action) && !services.has(action) && !(action === '*' && effect === 'DENY'))
    .map(
      (action) =>
        `rule ${id} of ${callerId}: ${JSON.stringify(action)} is no action. Write Service/Method or Service/*, such as TokenService/GetAccessToken; * in a DENY rule only`,
    );
}

function scopeFaults(callerId: string, { id, scopes = [] }: WrittenRule, { isScopeOrPermission }: CallersVocabulary) {
  return scopes
    .filter((scope) => !isScopeOrPermission(scope))
    .map(
      (scope) => `rule ${id} of ${callerId}: ${JSON.stringify(scope)} is neither a scope of a catalog nor a permission`,
    );
}

type WrittenRule = z.infer<typeof rule>;

function toRule(written: WrittenRule): Rule {
  const { id, effect, role, actions = [], connections, scopes, excess, rate, not_after } = written;
  const ceiling = scopes && excess && { scopes, excess };
  const notAfter = not_after === undefined ? undefined : Date.parse(not_after);
  const tenants = Array.isArray(written.tenants) ? { ids: written.tenants } : { ids: [], labels: written.tenants };
  return {
    id,
    effect,
    role,
    actions,
    tenants: tenants.ids,
    tenantLabels: tenants.labels,
    connections,
    ceiling,
    rate: rate && toRate(rate),
    notAfter,
  };
}

function toRate({ per_second, burst }: z.infer<typeof rate>): CallRate {
  return { perSecond: per_second, burst };
}
