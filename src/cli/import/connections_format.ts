import { z } from 'zod';
import { CONNECTION_ID, GUID, RESOURCE_ID } from '../../model/ids.ts';
import { Secret } from '../../model/secret.ts';
import { type Entry, nameOf } from './entry.ts';
import { quoted, type Read, type RejectedEntry } from './rejected_entry.ts';

/** What a line may leave to the command line. */
export interface ConnectionsFileDefaults {
  readonly tenantId?: string | undefined;
  /** `tenants/{tenant}/apps/{app}`, of that tenant's lines. */
  readonly app?: string | undefined;
  readonly scopes: readonly string[];
}

const ID = RESOURCE_ID.source.slice(1, -1);
const APP = new RegExp(`^(tenants/${ID}/apps/)?${ID}$`);
/** A product scope or a permission, also in full with its resource. Too short for a token that went into the wrong field. */
const SCOPE = /^[A-Za-z][\w.:/-]{0,199}$/;

const text = (longest: number) =>
  z
    .string('must be text')
    .max(longest, `must be at most ${longest} characters`)
    .regex(/^\P{Cc}*$/u, 'must hold no control characters');
const guid = z.string('must be text').regex(GUID, 'must be a GUID');

const account = z.strictObject({
  directory_id: guid.optional(),
  object_id: guid.optional(),
  username: text(256).optional(),
  display_name: text(256).optional(),
  email: text(256).optional(),
});

const line = z.strictObject({
  connection: z
    .string('is missing: the id that the connection shall have')
    .regex(CONNECTION_ID, 'must be 1 to 128 letters, digits and . _ ~ | -'),
  refresh_token: z
    .string('is missing')
    .regex(/^[\x21-\x7e]+$/, 'must be the token as Entra gave it, without white space'),
  scopes: z
    .array(z.string('must be text').regex(SCOPE, 'must be a scope such as Mail.ReadOnly'), 'must be a list of scopes')
    .max(100, 'must be at most 100')
    .optional(),
  tenant: z
    .string('must be text')
    .regex(RESOURCE_ID, 'must be the id of a tenant: small letters, digits and dashes')
    .optional(),
  app: z.string('must be text').regex(APP, 'must be the id of an app, or tenants/{tenant}/apps/{app}').optional(),
  external_id: text(256).optional(),
  labels: z
    .record(
      z.string().regex(/^[a-z][a-z0-9_.-]{0,62}$/, 'keys must match [a-z][a-z0-9_.-]{0,62}'),
      text(128),
      'must be an object of texts',
    )
    .refine((labels) => Object.keys(labels).length <= 64, 'must be at most 64')
    .optional(),
  account: account.optional(),
  client_id: guid.optional(),
});

/**
 * The form that all sources become, one JSON object a line (docs/importing.md). Unknown fields are refused: a typing error
 * would otherwise lose what it names.
 */
export function readConnectionsFile(value: unknown, number: number, defaults: ConnectionsFileDefaults): Read<Entry> {
  const parsed = line.safeParse(withoutNulls(value));
  if (!parsed.success) return { leftOut: flawOf(parsed.error.issues, value, number, defaults) };
  const tenantId = parsed.data.tenant ?? defaults.tenantId;
  const scopes = parsed.data.scopes ?? defaults.scopes;
  const missing =
    tenantId === undefined
      ? 'tenant is missing; name it in the line, or for all lines with --tenant'
      : scopes.length === 0
        ? 'scopes are missing; name them in the line, or for all lines with --scope'
        : undefined;
  if (tenantId === undefined || missing !== undefined) {
    return { leftOut: refused(number, whatOf(value, defaults), 'FIELD_INVALID', missing ?? '') };
  }
  const { app, account, client_id, connection, external_id, labels, refresh_token } = parsed.data;
  const usualApp = tenantId === defaults.tenantId ? defaults.app : undefined;
  return {
    line: number,
    thing: {
      tenantId,
      connectionId: connection,
      app: app === undefined ? usualApp : app.includes('/') ? app : `tenants/${tenantId}/apps/${app}`,
      refreshToken: new Secret(refresh_token),
      scopes,
      externalId: external_id === '' ? undefined : external_id,
      labels: labels ?? {},
      account: account && {
        directoryId: account.directory_id,
        objectId: account.object_id,
        username: account.username,
        displayName: account.display_name,
        email: account.email,
      },
      clientId: client_id?.toLowerCase(),
    },
  };
}

/** Exports of databases write null for what is not there. */
function withoutNulls(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const given = Object.entries(value).filter(([, field]) => field !== null);
  return Object.fromEntries(given.map(([name, field]) => [name, name === 'account' ? withoutNulls(field) : field]));
}

type Issue = z.core.$ZodIssue;

/** All that is wrong with a line, by the names of its fields, never by their values. */
function flawOf(
  issues: readonly Issue[],
  value: unknown,
  number: number,
  defaults: ConnectionsFileDefaults,
): RejectedEntry {
  const unknown = issues.some(({ code }) => code === 'unrecognized_keys');
  const why = issues.map(wordsOf).join('; ');
  return refused(number, whatOf(value, defaults), unknown ? 'FIELD_UNKNOWN' : 'FIELD_INVALID', why);
}

function wordsOf(issue: Issue): string {
  const place = issue.path.map((step) => (typeof step === 'number' ? `[${step}]` : fieldName(String(step)))).join('.');
  if (issue.code === 'unrecognized_keys') {
    const names = issue.keys.map(fieldName).join(', ');
    return `there is no field ${place === '' ? names : `${place}.${names}`}`;
  }
  if (issue.code === 'invalid_key') return `${place}: ${issue.issues[0]?.message ?? 'has a key that is none'}`;
  return place === '' ? 'the line must hold one JSON object' : `${place} ${issue.message}`;
}

/** A field's name, where it looks like one; else it may be anything, a token too. */
function fieldName(name: string): string {
  return /^\w{1,40}$/.test(name) ? name : `of a name with ${name.length} characters`;
}

/** The connection's name as far as it can be told. */
function whatOf(value: unknown, defaults: ConnectionsFileDefaults): string {
  const { connection, tenant = defaults.tenantId } = (value ?? {}) as { connection?: unknown; tenant?: unknown };
  if (typeof connection !== 'string' || !CONNECTION_ID.test(connection)) return 'line';
  if (typeof tenant !== 'string' || !RESOURCE_ID.test(tenant)) return `connection ${quoted(connection)}`;
  return nameOf({ tenantId: tenant, connectionId: connection });
}

function refused(number: number, what: string, reason: RejectedEntry['reason'], why: string): RejectedEntry {
  return {
    outcome: 'REFUSED',
    line: number,
    what,
    reason,
    why,
    nextStep: 'Correct the line and run the import again; what is in already is left alone.',
  };
}
