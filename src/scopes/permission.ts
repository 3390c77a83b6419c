import { ALL_CONSENTED, canonicalResource, GRAPH, resourceIn } from '../model/resource.ts';

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
const URI = '(?:https|api)://[A-Za-z0-9._:~-]+(?:/[A-Za-z0-9._~-]*)*';
const APPLICATION_ID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';
// The last slash alone separates the name from the resource, as at Entra: others belong to the resource.
const FULL = new RegExp(`^(${URI}|${APPLICATION_ID})/(${NAME})$`, 'i');
const ALL = new RegExp(`^(${URI}|${APPLICATION_ID})/\\.default$`, 'i');

const LONGEST = 400;

/** A bare name is Graph's, a full form names its resource; undefined for anything else, `.default` included. */
export function parsePermission(text: string): Permission | undefined {
  if (text.length > LONGEST) return undefined;
  if (BARE.test(text)) return { resource: GRAPH, name: text };
  const [, uri, name] = FULL.exec(text) ?? [];
  if (uri === undefined || name === undefined) return undefined;
  return { resource: resourceIn('GLOBAL', canonicalResource(uri)), name };
}

/** `X/.default`, of any resource X: a set of permissions that is known only once a token came. */
export function parseAllConsented(text: string): Permission | undefined {
  const [, uri] = (text.length > LONGEST ? undefined : ALL.exec(text)) ?? [];
  return uri === undefined
    ? undefined
    : { resource: resourceIn('GLOBAL', canonicalResource(uri)), name: ALL_CONSENTED };
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
  return text.includes('/');
}

/** `https://graph.microsoft.com/Mail.Read` */
export function fullForm(permission: Permission): string {
  return `${permission.resource}/${permission.name}`;
}

/** Entra compares without regard to case. */
export function permissionKey(permission: Permission): string {
  return fullForm(permission).toLowerCase();
}
