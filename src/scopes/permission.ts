import { canonicalResource, GRAPH, resourceIn } from './resources.ts';

/** One delegated permission of one resource. */
export interface Permission {
  /** Canonical; Graph and Outlook by their names in the GLOBAL cloud. */
  readonly resource: string;
  /** `Mail.Read`. */
  readonly name: string;
}

/** Scopes of OpenID Connect: Entra's own, of no resource, never in an access token of a resource. */
const OIDC_SCOPES: ReadonlySet<string> = new Set(['openid', 'profile', 'email', 'offline_access']);

const NAME = '[A-Za-z0-9][A-Za-z0-9._:-]{0,119}';
const BARE = new RegExp(`^${NAME}$`);
// `.default` does not fit NAME, and must not: it stands for a set that is known only once a token came.
const FULL = new RegExp(`^((?:https|api)://[A-Za-z0-9._:~-]+(?:/[A-Za-z0-9._~-]+)*)/+(${NAME})$`, 'i');

/** A bare name is Graph's, a full URI names its resource; undefined for anything else. */
export function parsePermission(text: string): Permission | undefined {
  if (text.length > 400) return undefined;
  if (BARE.test(text)) return { resource: GRAPH, name: text };
  const [, uri, name] = FULL.exec(text) ?? [];
  if (uri === undefined || name === undefined) return undefined;
  return { resource: resourceIn('GLOBAL', canonicalResource(uri)), name };
}

/** The OIDC scope that the text is, also in the form `https://graph.microsoft.com/openid` of some of Entra's answers. */
export function oidcScope(text: string): string | undefined {
  const lower = text.toLowerCase();
  if (OIDC_SCOPES.has(lower)) return lower;
  const permission = parsePermission(text);
  return permission?.resource === GRAPH && OIDC_SCOPES.has(permission.name.toLowerCase())
    ? permission.name.toLowerCase()
    : undefined;
}

export function isFullForm(text: string): boolean {
  return text.includes('://');
}

/** `https://graph.microsoft.com/Mail.Read` */
export function fullForm(permission: Permission): string {
  return `${permission.resource}/${permission.name}`;
}

/** Entra compares without regard to case. */
export function permissionKey(permission: Permission): string {
  return fullForm(permission).toLowerCase();
}
