import { z } from 'zod';
import { CONNECTION_ID, GUID, RESOURCE_ID } from '../../model/id_patterns.ts';
import { Secret } from '../../model/secret.ts';
import { type Entry, nameOf } from './connection_to_import.ts';
import { quoted, type Read, rejectedEntry } from './rejected_entry.ts';

/** Defaults from the command line. */
export interface ConnectionsFileDefaults {
  readonly tenantId?: string | undefined;
  /** `tenants/{tenant}/apps/{app}`, for lines of that tenant. */
  readonly app?: string | undefined;
  readonly scopes: readonly string[];
}

const ID = RESOURCE_ID.source.slice(1, -1);
const APP = new RegExp(`^(tenants/${ID}/apps/)?${ID}$`);
/** A product scope or a permission, also with its resource. Too short for a token in the wrong field. */
const SCOPE = /^[A-Za-z][\w.:/-]{0,199}$/;

const text = (longest: number) =>
  z
    .string('must be text')
    .max(longest, `must be at most ${longest} characters`)
    .regex(/^\P{Cc}*$/u, 'must not contain control characters');
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
    .string('is missing: give the id of the new connection')
    .regex(CONNECTION_ID, 'must be 1 to 128 letters, digits and . _ ~ | -'),
  refresh_token: z.string('is missing').regex(/^[\x21-\x7e]+$/, 'must be the token from Entra, without white space'),
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
      'must be an object with text values',
    )
    .refine((labels) => Object.keys(labels).length <= 64, 'must be at most 64')
    .optional(),
  account: account.optional(),
  client_id: guid.optional(),
});

/**
 * Reads a line of the format of connections files (docs/importing.md). Unknown fields are refused, because a misspelled field
 * would otherwise be lost.
 */
export function readConnectionsFile(value: unknown, number: number, defaults: ConnectionsFileDefaults): Read<Entry> {
  const parsed = line.safeParse(withoutNulls(value));
  const reject = (reason: 'FIELD_INVALID' | 'FIELD_UNKNOWN', why: string) => ({
    rejected: rejectedEntry({ line: number, what: whatOf(value, defaults), reason, why }),
  });
  if (!parsed.success) {
    const { issues } = parsed.error;
    const hasUnknown = issues.some(({ code }) => code === 'unrecognized_keys');
    return reject(hasUnknown ? 'FIELD_UNKNOWN' : 'FIELD_INVALID', issues.map(issueText).join('; '));
  }
  const tenantId = parsed.data.tenant ?? defaults.tenantId;
  const scopes = parsed.data.scopes ?? defaults.scopes;
  if (tenantId === undefined)
    return reject('FIELD_INVALID', 'tenant is missing; add it to the line, or to all lines with --tenant');
  if (scopes.length === 0)
    return reject('FIELD_INVALID', 'scopes are missing; add them to the line, or to all lines with --scope');
  const { app, account, client_id, connection, external_id, labels, refresh_token } = parsed.data;
  const defaultApp = tenantId === defaults.tenantId ? defaults.app : undefined;
  return {
    line: number,
    thing: {
      tenantId,
      connectionId: connection,
      app: app === undefined ? defaultApp : app.includes('/') ? app : `tenants/${tenantId}/apps/${app}`,
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

/** Database exports contain null for missing values. */
function withoutNulls(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const given = Object.entries(value).filter(([, field]) => field !== null);
  return Object.fromEntries(given.map(([name, field]) => [name, name === 'account' ? withoutNulls(field) : field]));
}

/** Names fields, never their values, which may be secrets. */
function issueText(issue: z.core.$ZodIssue): string {
  const place = issue.path.map((step) => (typeof step === 'number' ? `[${step}]` : fieldName(String(step)))).join('.');
  if (issue.code === 'unrecognized_keys') {
    const names = issue.keys.map(fieldName).join(', ');
    return `there is no field ${place === '' ? names : `${place}.${names}`}`;
  }
  if (issue.code === 'invalid_key') return `${place}: ${issue.issues[0]?.message ?? 'has an invalid key'}`;
  return place === '' ? 'the line must hold one JSON object' : `${place} ${issue.message}`;
}

/** The name of a field, unless it may be another text, such as a token. */
function fieldName(name: string): string {
  return /^\w{1,40}$/.test(name) ? name : `of a name with ${name.length} characters`;
}

/** The name of the connection, as far as it is valid. */
function whatOf(value: unknown, defaults: ConnectionsFileDefaults): string {
  const { connection, tenant = defaults.tenantId } = (value ?? {}) as { connection?: unknown; tenant?: unknown };
  if (typeof connection !== 'string' || !CONNECTION_ID.test(connection)) return 'line';
  if (typeof tenant !== 'string' || !RESOURCE_ID.test(tenant)) return `connection ${quoted(connection)}`;
  return nameOf({ tenantId: tenant, connectionId: connection });
}
