import { getNodeValue } from 'jsonc-parser';
import { z } from 'zod';
import { GUID } from '../../../model/id_patterns.ts';
import { Secret } from '../../../model/secret.ts';
import type { AppSpec } from '../app_to_register.ts';
import { type Flaw, isPlaceholder, quoted, type RejectedEntry, rejectedEntry } from '../rejected_entry.ts';
import type { StrategyNode } from './find_botpress_strategies_in_json.ts';
import { entraEndpoint } from './parse_entra_endpoint_url.ts';

/** Fields of Botpress's `AuthStrategyOauth2`; other fields are ignored. */
const options = z.object({
  authorizationURL: z.string(),
  tokenURL: z.string(),
  clientID: z.string(),
  clientSecret: z.string(),
  callbackURL: z.string(),
  scope: z.union([z.string(), z.array(z.string())]).optional(),
});

const strategy = z.object({ options, fieldMapping: z.record(z.string(), z.string()).optional() });

/** Claims of the ID token that the vault stores with the account. */
const STORED_CLAIMS = ['email', 'preferred_username', 'upn', 'name', 'oid', 'tid'];
const CALLBACK = '/api/v1/auth/login-callback/oauth2/';

export interface BotpressTarget {
  readonly tenantId: string;
  readonly customLoginUrl: string | undefined;
}

/** The app registration of a strategy, or its rejection. */
export function readStrategy(
  { name, line, node, brokenAt }: StrategyNode,
  target: BotpressTarget,
): AppSpec | RejectedEntry {
  const what = `strategy ${quoted(name)}`;
  const refuse = (reason: Flaw, why: string) => rejectedEntry({ line, what, reason, why });
  const skip = (reason: Flaw, why: string) =>
    rejectedEntry({ outcome: 'SKIPPED', line, what, reason, why, nextStep: NOTHING });
  if (brokenAt !== undefined) return refuse('NOT_JSON', `is not valid JSON (at ${brokenAt})`);
  const value: unknown = getNodeValue(node);
  const type = (value as { type?: unknown } | null)?.type;
  if (type !== 'oauth2') {
    const why = typeof type === 'string' ? `is of type ${quoted(type)}, not oauth2` : 'has no type';
    return skip('NOT_OAUTH', why);
  }
  const parsed = strategy.safeParse(value);
  if (!parsed.success) {
    const fields = [...new Set(parsed.error.issues.map(({ path }) => path.map(fieldName).join('.')))];
    return refuse('FIELD_INVALID', `${fields.join(', ')}: missing, or not text`);
  }
  const { fieldMapping = {} } = parsed.data;
  const { authorizationURL, tokenURL, clientID, clientSecret, callbackURL, scope = '' } = parsed.data.options;

  const given = { authorizationURL, tokenURL };
  const authorize = entraEndpoint(authorizationURL, target.customLoginUrl);
  const token = entraEndpoint(tokenURL, target.customLoginUrl);
  if (authorize === 'NOT_ENTRA' && token === 'NOT_ENTRA' && !Object.values(given).some(isPlaceholder)) {
    return skip('NOT_ENTRA', `does not use Entra, but ${quoted(hostOf(authorizationURL))}`);
  }
  const unfilled = Object.entries({ ...given, clientID, clientSecret, callbackURL }).filter(([, text]) =>
    isPlaceholder(text),
  );
  if (unfilled.length > 0) {
    const fields = unfilled.map(([field]) => `options.${field}`).join(', ');
    return refuse('PLACEHOLDER', `${fields}: still a placeholder of the documentation, <…>`);
  }
  const invalid = (field: string, why: string) => refuse('FIELD_INVALID', `options.${field} ${why}`);
  if (authorize === 'NOT_ENTRA') return invalid('authorizationURL', 'is not an address of Entra, but tokenURL is');
  if (token === 'NOT_ENTRA') return invalid('tokenURL', 'is not an address of Entra, but authorizationURL is');
  if ('flaw' in authorize) return invalid('authorizationURL', authorize.flaw);
  if ('flaw' in token) return invalid('tokenURL', token.flaw);
  if (authorize.cloud !== token.cloud) return invalid('tokenURL', 'belongs to a different cloud than authorizationURL');
  if (authorize.audience !== token.audience)
    return invalid('tokenURL', 'names a different directory than authorizationURL');
  if (!GUID.test(clientID)) return invalid('clientID', 'must be the "Application (client) ID", a GUID');
  if (!/^[\x21-\x7e]+$/.test(clientSecret)) return invalid('clientSecret', 'must be the value of a client secret');
  if (!URL.canParse(callbackURL)) return invalid('callbackURL', 'must be an absolute URL');

  const base = baseOf(callbackURL, name);
  const version1 = authorize.version === 1 || token.version === 1;
  return {
    line,
    what,
    tenantId: target.tenantId,
    preset: 'botpress-v12',
    strategy: base === undefined ? undefined : name,
    baseUrl: base,
    redirectUris: [],
    callbackUrl: callbackURL,
    cloud: authorize.cloud,
    clientId: clientID.toLowerCase(),
    clientSecret: new Secret(clientSecret),
    signInAudience: authorize.audience,
    implicitPermissions: permissionsOf(scope),
    appId: appIdOf(name),
    warnings: [
      ...(version1 ? [VERSION_1] : []),
      ...(base === undefined
        ? [`options.callbackURL does not end in ${CALLBACK}${quoted(name)}: it is registered unchanged.`]
        : []),
      ...lostClaims(fieldMapping),
    ],
  };
}

/** Keys of `fieldMapping` are free text. */
function fieldName(step: PropertyKey): string {
  return /^\w{1,40}$/.test(String(step)) ? String(step) : quoted(String(step));
}

const NOTHING = 'No action needed: the vault serves only Entra.';
/** Both endpoints use the same registration. https://learn.microsoft.com/entra/identity-platform/azure-ad-endpoint-comparison */
const VERSION_1 =
  'The URLs belong to the v1.0 endpoint. The vault uses the v2.0 endpoint of the same registration, so users consent again, and scopes replace `resource`.';

function hostOf(address: string): string {
  return URL.canParse(address) ? new URL(address).hostname : 'an invalid URL';
}

/** The base URL of Botpress; undefined: the callback is not derived from the name of the strategy. */
function baseOf(callbackUrl: string, name: string): string | undefined {
  if (!/^[\w.~-]{1,64}$/.test(name)) return undefined;
  const end = CALLBACK + name;
  return callbackUrl.endsWith(end) ? callbackUrl.slice(0, -end.length) : undefined;
}

function permissionsOf(scope: string | readonly string[]): readonly string[] {
  const names = typeof scope === 'string' ? scope.split(/[\s,]+/) : scope;
  return [...new Set([...names.filter((name) => name !== ''), 'offline_access'])];
}

/** The name in the characters of an id: `Azure AD` becomes `azure-ad`. */
export function appIdOf(name: string): string {
  const plain = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '');
  const id = /^[a-z]/.test(plain) ? plain : `app-${plain}`;
  return id.slice(0, 63).replace(/-+$/, '');
}

function lostClaims(fieldMapping: Readonly<Record<string, string>>): readonly string[] {
  const lost = Object.entries(fieldMapping).filter(([, claim]) => !STORED_CLAIMS.includes(claim));
  return lost.map(
    ([field, claim]) =>
      `fieldMapping.${quoted(field)} uses the claim ${quoted(claim)}, which the vault does not store; it stores ${STORED_CLAIMS.join(', ')}. Request userInfoURL with an access token.`,
  );
}
