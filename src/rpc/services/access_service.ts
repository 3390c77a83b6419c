import type { ContainmentOperations } from '../../containment/containment_operations.ts';
import type { AccessService } from '../../gen/tokenvault/v1/access_service_pb.ts';
import type { Rule } from '../../model/authenticated_caller.ts';
import type { Clock } from '../../model/clock.ts';
import { ceiledRules } from '../../model/compiled_rules.ts';
import { callerSubject } from '../../model/containment.ts';
import { fieldInvalid, isVaultError, type Reason } from '../../model/errors.ts';
import { explainRules } from '../../model/explain_rules.ts';
import type { TenantLabels } from '../../model/tenant_labels.ts';
import { parseAllConsented } from '../../scopes/delegated_permission.ts';
import type { AccessTokens, TokenCeilings } from '../../tokens/access_token_service_interface.ts';
import type { UsageQueries } from '../../usage/usage_queries.ts';
import { toKindMessage, toRuleMessage } from '../messages/caller_and_rule_message_mapping.ts';
import { toCallerUsageMessages } from '../messages/caller_usage_message_mapping.ts';
import { fewScopes, toWireTime } from '../messages/field_value_conversion.ts';
import { parseConnectionName } from '../messages/resource_names.ts';
import { toReasonMessage } from '../messages/state_reason_message_mapping.ts';
import type { Implementation } from '../pipeline/authenticated_service_adapter.ts';
import type { Authenticator } from '../pipeline/authenticator.ts';
import { METHODS, targetOf } from '../pipeline/authorize_caller.ts';

/** What the ceilings of the rules decide about a token. */
interface Ceiled {
  readonly rule: Rule | undefined;
  readonly excess: readonly string[];
  readonly refusal: { readonly reason: Reason; readonly message: string } | undefined;
}

export function createAccessService({
  authenticator,
  accessTokens,
  tenantLabels,
  usage,
  containmentOperations,
  clock,
}: {
  readonly authenticator: Pick<Authenticator, 'known'>;
  readonly accessTokens: Pick<AccessTokens, 'checkCeilings'>;
  readonly tenantLabels?: TenantLabels;
  readonly usage: Pick<UsageQueries, 'ofCallers'>;
  readonly containmentOperations: Pick<ContainmentOperations, 'list'>;
  readonly clock: Clock;
}): Implementation<typeof AccessService> {
  async function underCeilings(
    method: string,
    rules: readonly Rule[],
    resource: string,
    scopes: readonly string[],
  ): Promise<Ceiled> {
    let ceiled: Ceiled = { rule: undefined, excess: [], refusal: undefined };
    const ceilings: TokenCeilings = {
      rules,
      decided(rule, excess) {
        ceiled = { rule, excess, refusal: undefined };
      },
      listen: () => () => {},
    };
    if (method === 'TokenService/GetAppAccessToken') return ofApp(rules, scopes);
    try {
      await accessTokens.checkCeilings({ ...parseConnectionName('resource', resource), scopes, ceilings });
    } catch (error) {
      if (!isVaultError(error, 'SCOPE_ABOVE_CEILING')) throw error;
      ceiled = { ...ceiled, refusal: error };
    }
    return ceiled;
  }

  return {
    whoAmI(_, { caller }) {
      return {
        caller: caller.id,
        credential: caller.credentialId,
        credentialKind: toKindMessage(caller.kind),
        credentialExpireTime: toWireTime(caller.expireTime),
        rules: caller.rules.map(toRuleMessage),
      };
    },

    async listCallers() {
      const contained = new Set(containmentOperations.list().map(({ subject }) => subject));
      const isContained = (id: string) => contained.has(callerSubject(id));
      return { callers: toCallerUsageMessages(authenticator.known(), await usage.ofCallers(), isContained) };
    },

    async explainAccess(request) {
      const { resource } = request;
      const caller = authenticator.known().find(({ id }) => id === request.caller);
      if (caller === undefined) throw fieldInvalid('caller', 'must be the id of a caller in the callers file');
      const method = METHODS.find(({ name }) => name === request.method);
      if (method === undefined) throw fieldInvalid('method', 'must be a method, such as TokenService/GetAccessToken');
      const target = targetOf(resource === '' ? 'tenants/*' : resource);
      const { decision, verdicts } = explainRules(caller.rules, method, target, clock.now(), tenantLabels);
      const rules = verdicts.map(({ rule, whyNot }) => ({
        rule: toRuleMessage(rule),
        applies: whyNot === undefined,
        explanation: whyNot === undefined ? '' : `${rule.id} ${whyNot}.`,
      }));
      if (!decision.isAllowed) {
        const reason = toReasonMessage('ACCESS_DENIED');
        const explanation =
          decision.rule === undefined ? `No rule of ${caller.id} allows it.` : `${decision.rule.id} denies it.`;
        return { allowed: false, rule: decision.rule?.id ?? '', reason, explanation, rules };
      }
      const { rule: first, limited } = decision;
      const ceilings = limited && ceiledRules(limited);
      if (ceilings === undefined)
        return { allowed: true, rule: first.id, explanation: `${first.id} allows it${rateOf(first)}.`, rules };
      const ceiled = await underCeilings(method.name, ceilings, resource, fewScopes(request.scopes));
      const deciding = ceiled.rule ?? first;
      if (ceiled.refusal !== undefined) {
        const { reason, message } = ceiled.refusal;
        return { allowed: false, rule: deciding.id, reason: toReasonMessage(reason), explanation: message, rules };
      }
      const within = ceiled.excess.length === 0 ? 'within its scopes' : 'with excess';
      const explanation = `${deciding.id} allows it, ${within}${rateOf(deciding)}.`;
      return { allowed: true, rule: deciding.id, explanation, excess: [...ceiled.excess], rules };
    },
  };
}

function rateOf({ rate }: Rule): string {
  return rate === undefined ? '' : `, up to ${rate.perSecond} calls a second`;
}

function ofApp(rules: readonly Rule[], scopes: readonly string[]): Ceiled {
  const [scope = ''] = scopes;
  const wanted = parseAllConsented(scope);
  if (wanted === undefined || scopes.length > 1)
    throw fieldInvalid('scopes', 'must be X/.default of the resource X of the token');
  const rule = rules.find(({ ceiling }) =>
    ceiling?.scopes.some((text) => parseAllConsented(text)?.resource === wanted.resource),
  );
  const message = `The token of an app needs ${scope} in the scopes of a rule.`;
  const refusal = rule === undefined ? ({ reason: 'SCOPE_ABOVE_CEILING', message } as const) : undefined;
  return { rule, excess: [], refusal };
}
