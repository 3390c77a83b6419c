import { getNodeValue } from 'jsonc-parser';
import { z } from 'zod';
import { GUID } from '../../../model/ids.ts';
import { Secret } from '../../../model/secret.ts';
import type { AppSpec } from '../app_spec.ts';
import { type Flaw, quoted, type RejectedEntry } from '../rejected_entry.ts';
import { entraEndpoint } from './entra_endpoint.ts';
import { isPlaceholder } from './placeholder.ts';
import type { StrategyNode } from './strategy_nodes.ts';

/** What Botpress's own `AuthStrategyOauth2` has; what else stands there is Botpress's business. */
const options = z.object({
  authorizationURL: z.string(),
  tokenURL: z.string(),
  clientID: z.string(),
  clientSecret: z.string(),
  callbackURL: z.string(),
  scope: z.union([z.string(), z.array(z.string())]).optional(),
});

const strategy = z.object({ options, fieldMapping: z.record(z.string(), z.string()).optional() });

/** Claims of the id token that the vault keeps with the account. */
const KEPT_CLAIMS = ['email', 'preferred_username', 'upn', 'name', 'oid', 'tid'];
const CALLBACK = '/api/v1/auth/login-callback/oauth2/';

export interface BotpressTarget {
  readonly tenantId: string;
  readonly customLoginUrl: string | undefined;
}

/** An app registration of Entra, or why the entry is none. */
export function readStrategy(
  { name, line, node, brokenAt }: StrategyNode,
  target: BotpressTarget,
): AppSpec | RejectedEntry {
  const what = `strategy ${quoted(name)}`;
  const leaveOut = (
    outcome: RejectedEntry['outcome'],
    reason: Flaw,
    why: string,
    nextStep = CORRECT,
  ): RejectedEntry => ({
    outcome,
    line,
    what,
    reason,
    why,
    nextStep,
  });
  if (brokenAt !== undefined) return leaveOut('REFUSED', 'NOT_JSON', `is not valid JSON (at ${brokenAt})`);
  const value: unknown = getNodeValue(node);
  const type = (value as { type?: unknown } | null)?.type;
  if (type !== 'oauth2') {
    const said = typeof type === 'string' ? `is of type ${quoted(type)}, not oauth2` : 'has no type';
    return leaveOut('SKIPPED', 'NOT_OAUTH', said, NOTHING);
  }
  const parsed = strategy.safeParse(value);
  if (!parsed.success) {
    const fields = [...new Set(parsed.error.issues.map(({ path }) => path.map(fieldName).join('.')))];
    return leaveOut('REFUSED', 'FIELD_INVALID', `${fields.join(', ')}: missing, or not text`);
  }
  const { fieldMapping = {} } = parsed.data;
  const { authorizationURL, tokenURL, clientID, clientSecret, callbackURL, scope = '' } = parsed.data.options;

  const given = { authorizationURL, tokenURL };
  const authorize = entraEndpoint(authorizationURL, target.customLoginUrl);
  const token = entraEndpoint(tokenURL, target.customLoginUrl);
  if (authorize === 'NOT_ENTRA' && token === 'NOT_ENTRA' && !Object.values(given).some(isPlaceholder)) {
    return leaveOut('SKIPPED', 'NOT_ENTRA', `is not Entra's (${quoted(hostOf(authorizationURL))})`, NOTHING);
  }
  const unfilled = Object.entries({ ...given, clientID, clientSecret, callbackURL }).filter(([, text]) =>
    isPlaceholder(text),
  );
  if (unfilled.length > 0) {
    const fields = unfilled.map(([field]) => `options.${field}`).join(', ');
    return leaveOut('REFUSED', 'PLACEHOLDER', `${fields}: still as in the documentation, <…>`);
  }
  const invalid = (field: string, why: string) => leaveOut('REFUSED', 'FIELD_INVALID', `options.${field} ${why}`);
  if (authorize === 'NOT_ENTRA') return invalid('authorizationURL', "is not Entra's, though tokenURL is");
  if (token === 'NOT_ENTRA') return invalid('tokenURL', "is not Entra's, though authorizationURL is");
  if ('flaw' in authorize) return invalid('authorizationURL', authorize.flaw);
  if ('flaw' in token) return invalid('tokenURL', token.flaw);
  if (authorize.cloud !== token.cloud) return invalid('tokenURL', 'belongs to another cloud than authorizationURL');
  if (authorize.audience !== token.audience)
    return invalid('tokenURL', 'names another directory than authorizationURL');
  if (!GUID.test(clientID)) return invalid('clientID', 'must be the "Application (client) ID", a GUID');
  if (!/^[\x21-\x7e]+$/.test(clientSecret)) return invalid('clientSecret', 'must be the value of a client secret');
  if (!URL.canParse(callbackURL)) return invalid('callbackURL', 'must be an absolute address');

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
        ? [`options.callbackURL does not end in ${CALLBACK}${quoted(name)}: it is registered as it is.`]
        : []),
      ...unkeptClaims(fieldMapping),
    ],
  };
}

/** Keys of `fieldMapping` are anybody's text. */
function fieldName(step: PropertyKey): string {
  return /^\w{1,40}$/.test(String(step)) ? String(step) : quoted(String(step));
}

const CORRECT = 'Correct the entry and run the import again; what is in already is left alone.';
const NOTHING = 'Nothing to do: the vault is for Entra alone.';
/** The registration is the same, whichever endpoint asks. https://learn.microsoft.com/entra/identity-platform/azure-ad-endpoint-comparison */
const VERSION_1 =
  'The addresses are those of the v1.0 endpoint. The vault asks the v2.0 endpoint of the same registration, so users consent once more, and `resource` becomes scopes.';

function hostOf(address: string): string {
  return URL.canParse(address) ? new URL(address).hostname : 'no address';
}

/** Where Botpress lives; undefined: the callback is not the one that Botpress makes of the strategy's name. */
function baseOf(callbackUrl: string, name: string): string | undefined {
  if (!/^[\w.~-]{1,64}$/.test(name)) return undefined;
  const end = CALLBACK + name;
  return callbackUrl.endsWith(end) ? callbackUrl.slice(0, -end.length) : undefined;
}

function permissionsOf(scope: string | readonly string[]): readonly string[] {
  const names = typeof scope === 'string' ? scope.split(/[\s,]+/) : scope;
  return [...new Set([...names.filter((name) => name !== ''), 'offline_access'])];
}

/** Of the same letters as far as ids allow: `Azure AD` is `azure-ad`. */
export function appIdOf(name: string): string {
  const plain = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '');
  const id = /^[a-z]/.test(plain) ? plain : `app-${plain}`;
  return id.slice(0, 63).replace(/-+$/, '');
}

function unkeptClaims(fieldMapping: Readonly<Record<string, string>>): readonly string[] {
  const unkept = Object.entries(fieldMapping).filter(([, claim]) => !KEPT_CLAIMS.includes(claim));
  return unkept.map(
    ([field, claim]) =>
      `fieldMapping.${quoted(field)} takes the claim ${quoted(claim)}, which the vault does not keep; it keeps ${KEPT_CLAIMS.join(', ')}. Ask userInfoURL with an access token.`,
  );
}
