import { type Rule, roleRule } from '../../model/authenticated_caller.ts';
import type { Clock, Duration } from '../../model/clock.ts';
import { type AccessMethod, ceiledRules, firstDeciding } from '../../model/compiled_rules.ts';
import type { ContainedSet } from '../../model/contained_set.ts';
import { isVaultError } from '../../model/errors.ts';
import type { TenantLabels } from '../../model/tenant_labels.ts';
import { accessDenied, decide } from './authorize_caller.ts';
import type { Call } from './call_context.ts';
import type { CallRates } from './call_rates.ts';

/** The rules of a caller as they apply to the calls of one method. They set `rule`, `tenants` and `limitedBy` of a call. */
export interface RulesOfMethod {
  /** Counts the call against the rates of the rules that allow it. CONTAINED, ACCESS_DENIED, RATE_LIMITED. */
  check(call: RuledCall): void;
  /** The same later, for the rules as they are now, without counting it again. Informs the listeners of the call. */
  recheck(call: RuledCall): void;
  /** The error to report, because a rule whose rate is exceeded might have covered the token. */
  explain(call: RuledCall, error: unknown): unknown;
}

export interface RuledCall extends Call {
  /** By the monotonic clock. */
  readonly started: Duration;
  /** Rules that allow the call, but whose rates it exceeds. */
  exceeded: readonly Rule[] | undefined;
}

export interface RulesOfMethodParts {
  readonly method: AccessMethod;
  /** No rule is needed. */
  readonly isForEveryone: boolean;
  readonly contained: Pick<ContainedSet, 'size' | 'checkCaller'>;
  readonly tenantLabels: TenantLabels | undefined;
  readonly rates: CallRates;
  readonly clock: Clock;
}

export const NO_RULE = roleRule('', 'token_reader', []);

export function createRulesOfMethod(parts: RulesOfMethodParts): RulesOfMethod {
  const { method, isForEveryone, contained, tenantLabels, rates, clock } = parts;

  /** `admit` returns those of the rules that apply to this call. */
  function decideBy(admit: (call: RuledCall, limited: readonly Rule[]) => readonly Rule[], call: RuledCall): void {
    if (isForEveryone) return;
    if (contained.size !== 0 && call.caller.kind !== 'loopback') contained.checkCaller(call.caller.id);
    const decision = decide(call.caller, method, call.resource, clock.now(), tenantLabels);
    call.rule = decision.rule ?? NO_RULE;
    if (!decision.isAllowed) throw accessDenied(call.caller, method, call.resource);
    call.tenants = decision.tenants;
    const within = decision.limited && admit(call, decision.limited);
    call.rule = (within && firstDeciding(within)) ?? decision.rule;
    call.limitedBy = within && ceiledRules(within);
  }

  function countAgainstRates(call: RuledCall, limited: readonly Rule[]): readonly Rule[] {
    const within = rates.admit(call.caller, limited, call.started);
    if (within !== limited) call.exceeded = limited.filter((rule) => !within.includes(rule));
    return within;
  }

  /** Rules are compared by their ids, since the callers file may have changed. */
  function withoutExceeded({ caller, exceeded }: RuledCall, limited: readonly Rule[]): readonly Rule[] {
    if (exceeded === undefined) return limited;
    const within = limited.filter(({ id }) => !exceeded.some((rule) => rule.id === id));
    if (within.length === 0) throw rates.exceeded(caller, limited, performance.now());
    return within;
  }

  return {
    check: (call) => decideBy(countAgainstRates, call),
    recheck(call) {
      const { limitedBy, rule } = call;
      decideBy(withoutExceeded, call);
      if (areSame(limitedBy, call.limitedBy)) {
        // The rule that covers the token.
        if (limitedBy !== undefined) call.rule = rule;
      } else {
        for (const listener of call.ruleListeners) listener();
      }
    },
    explain: ({ caller, exceeded }, error) =>
      exceeded !== undefined && isVaultError(error, 'SCOPE_ABOVE_CEILING')
        ? rates.exceeded(caller, exceeded, performance.now())
        : error,
  };
}

/** The rules of a changed callers file are new objects. */
export function areSame(one: readonly Rule[] | undefined, other: readonly Rule[] | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  return one.length === other.length && one.every((rule, at) => rule === other[at]);
}
