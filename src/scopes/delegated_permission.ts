import { ALL_CONSENTED, canonicalResource, GRAPH, resourceIn } from '../model/microsoft_resource_uri.ts';

/** One delegated permission of one resource. */
export interface Permission {
  /** Canonical; Graph and Outlook by their names in the GLOBAL cloud. */
  readonly resource: string;
  /** `Mail.Read`. */
  readonly name: string;
}

/** OpenID Connect scopes: they belong to Entra itself, and no access token of a resource contains them. */
const OIDC_SCOPES: ReadonlySet<string> = new Set(['openid', 'profile', 'email', 'offline_access']);

const NAME = '[A-Za-z0-9][A-Za-z0-9._:-]{0,119}';
const BARE = new RegExp(`^${NAME}$`);
const URI = '(?:https|api)://[A-Za-z0-9._:~-]+(?:/[A-Za-z0-9._~-]*)*';
const APPLICATION_ID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';
// Only the last slash separates the name from the resource, as in Entra; others belong to the resource.
const FULL = new RegExp(`^(${URI}|${APPLICATION_ID})/(${NAME})$`, 'i');
const ALL = new RegExp(`^(${URI}|${APPLICATION_ID})/\\.default$`, 'i');

const LONGEST = 400;

/** A bare name is a permission of Graph, a full form names its resource; undefined for anything else, including `.default`. */
export function parsePermission(text: string): Permission | undefined {
  if (text.length > LONGEST) return undefined;
  if (BARE.test(text)) return { resource: GRAPH, name: text };
  const [, uri, name] = FULL.exec(text) ?? [];
  if (uri === undefined || name === undefined) return undefined;
  return { resource: resourceIn('GLOBAL', canonicalResource(uri)), name };
}

/** `X/.default` of any resource X: a set of permissions that is known only from the first token. */
export function parseAllConsented(text: string): Permission | undefined {
  const [, uri] = (text.length > LONGEST ? undefined : ALL.exec(text)) ?? [];
  return uri === undefined
    ? undefined
    : { resource: resourceIn('GLOBAL', canonicalResource(uri)), name: ALL_CONSENTED };
}

/** The OIDC scope; also in the form `https://graph.microsoft.com/openid`, which Entra uses in some responses. */
export function oidcScope(text: string): string | undefined {
  const lower = text.toLowerCase();
  if (OIDC_SCOPES.has(lower)) return lower;
  const permission = parsePermission(text);
  return permission?.resource === GRAPH && OIDC_SCOPES.has(permission.name.toLowerCase())
    ? permission.name.toLowerCase()
    : undefined;
}

export function isFullForm(text: string): boolean {
  return text.includes('/');
}

/** `https://graph.microsoft.com/Mail.Read` */
export function fullForm(permission: Permission): string {
  return `${permission.resource}/${permission.name}`;
}

/** Entra compares case-insensitively. */
export function permissionKey(permission: Permission): string {
  return fullForm(permission).toLowerCase();
}
