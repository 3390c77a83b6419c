import type { AccessToken } from '../model/access_token.ts';
import type { Rule } from '../model/authenticated_caller.ts';
import type { Connection } from '../model/connection.ts';
import type { App, Cloud } from '../model/entra_app.ts';
import { VaultError } from '../model/errors.ts';
import { ALL_CONSENTED } from '../model/microsoft_resource_uri.ts';
import { parseAllConsented } from '../scopes/delegated_permission.ts';
import type { Scopes, TokenScope } from '../scopes/scope_translator_interface.ts';
import type { TokenCeilings } from './access_token_service_interface.ts';

/** Rules with a ceiling that covers the requested scopes. Undefined: no ceiling applies. */
export type CoveringRules = readonly Rule[] | undefined;

/** The connection of a request, and its app. */
interface ServedConnection {
  readonly catalog: string;
  readonly app: Pick<App, 'implicitPermissions' | 'cloud'>;
  readonly connection: Pick<Connection, 'granted' | 'productScopes'>;
}

/** A token of one app, for one resource. */
interface CeilingFacts {
  readonly catalog: string;
  readonly implicit: readonly string[];
  readonly cloud: Cloud;
  readonly resource: string;
}

const ALL: readonly string[] = [ALL_CONSENTED];
const NONE: readonly string[] = [];

/**
 * Checks the ceilings of the rules that allow a call. One of them suffices: it covers what is requested, and either what
 * the token carries or its `excess` is ALLOW, because Entra does not narrow a token.
 */
export function createCeilingChecks(scopes: Scopes) {
  function above(rule: Rule, facts: CeilingFacts, permissions: readonly string[]): readonly string[] {
    const { catalog, implicit, cloud, resource } = facts;
    const ceiling = { scopes: rule.ceiling?.scopes ?? NONE, implicit };
    return scopes.aboveCeiling(catalog, ceiling, cloud, resource, permissions);
  }

  function covering(rules: readonly Rule[], facts: CeilingFacts, permissions: readonly string[]): readonly Rule[] {
    const found = rules.filter((rule) => above(rule, facts, permissions).length === 0);
    if (found.length > 0) return found;
    throw aboveCeiling(
      rules,
      facts.resource,
      least(rules, (rule) => above(rule, facts, permissions)),
      REQUESTED,
    );
  }

  return {
    /** Before Entra is called. SCOPE_ABOVE_CEILING. */
    requested(
      ceilings: TokenCeilings | undefined,
      snapshot: ServedConnection,
      { resource, permissions }: TokenScope,
      requested: readonly string[],
    ): CoveringRules {
      const rules = ceilings?.rules;
      if (rules === undefined) return undefined;
      const { granted, productScopes } = snapshot.connection;
      // `X/.default` means all that the connection has of X.
      const isAll = (requested.length === 0 ? productScopes : requested).some(isAllConsented);
      return covering(rules, factsOf(snapshot, resource), isAll ? (granted[resource] ?? ALL) : permissions);
    },

    /** SCOPE_ABOVE_CEILING. */
    carried(
      ceilings: TokenCeilings | undefined,
      rules: CoveringRules,
      snapshot: ServedConnection,
      { resource, permissions }: Pick<AccessToken, 'resource' | 'permissions'>,
    ): void {
      if (ceilings === undefined || rules === undefined) return;
      const facts = factsOf(snapshot, resource);
      const beyond = (rule: Rule) => above(rule, facts, permissions);
      const deciding =
        rules.find((rule) => beyond(rule).length === 0) ?? rules.find(({ ceiling }) => ceiling?.excess === 'ALLOW');
      if (deciding === undefined) throw aboveCeiling(rules, resource, least(rules, beyond), CARRIED);
      ceilings.decided(deciding, beyond(deciding));
    },

    /** Of an app's own token, whose permissions are not known: the ceiling must name `X/.default`. SCOPE_ABOVE_CEILING. */
    ofApp(ceilings: TokenCeilings | undefined, facts: Omit<CeilingFacts, 'implicit'>): void {
      const rules = ceilings?.rules;
      if (ceilings === undefined || rules === undefined) return;
      const [deciding] = covering(rules, { ...facts, implicit: NONE }, ALL);
      if (deciding !== undefined) ceilings.decided(deciding, NONE);
    },
  };
}

export type CeilingChecks = ReturnType<typeof createCeilingChecks>;

function factsOf({ catalog, app }: ServedConnection, resource: string): CeilingFacts {
  return { catalog, implicit: app.implicitPermissions, cloud: app.cloud, resource };
}

function isAllConsented(scope: string): boolean {
  return parseAllConsented(scope) !== undefined;
}

/** The permissions of the rule that lacks fewest. */
function least(rules: readonly Rule[], beyond: (rule: Rule) => readonly string[]): readonly string[] {
  return rules.map(beyond).reduce((one, other) => (other.length < one.length ? other : one));
}

const REQUESTED = 'Request fewer scopes, or ask the operator of the vault for a higher ceiling.';
const CARRIED =
  'Entra does not narrow a token to what is requested. Let the user consent to less, or ask the operator of the vault for a higher ceiling or `excess: ALLOW`.';

function aboveCeiling(
  rules: readonly Rule[],
  resource: string,
  permissions: readonly string[],
  nextStep: string,
): VaultError {
  const ids = rules.map(({ id }) => id).join(', ');
  const above = permissions.map((name) => `${resource}/${name}`);
  const what = nextStep === CARRIED ? 'The token carries' : 'The request needs';
  return new VaultError(
    'SCOPE_ABOVE_CEILING',
    `${what} ${above.join(', ')}, above the ceiling of ${ids}. ${nextStep}`,
    {
      metadata: { rules: ids, above: above.join(' '), resourceUri: resource },
    },
  );
}
