import type { Rule } from './authenticated_caller.ts';
import type { Timestamp } from './clock.ts';
import {
  type AccessDecision,
  type AccessMethod,
  type AccessTarget,
  compileRules,
  coversMethod,
} from './compiled_rules.ts';
import { connectionMatcher } from './connection_glob.ts';

/** What one rule says about a call. */
export interface RuleVerdict {
  readonly rule: Rule;
  /** Why it does not apply; undefined: it applies. */
  readonly whyNot: string | undefined;
}

export interface ExplainedRules {
  readonly decision: AccessDecision;
  readonly verdicts: readonly RuleVerdict[];
}

export function explainRules(
  rules: readonly Rule[],
  method: AccessMethod,
  target: AccessTarget,
  now: Timestamp,
): ExplainedRules {
  return {
    decision: compileRules(rules).decide(method, target, now),
    verdicts: rules.map((rule) => ({ rule, whyNot: whyNot(rule, method, target, now) })),
  };
}

/** In a sentence without its subject, the rule. */
function whyNot(rule: Rule, method: AccessMethod, target: AccessTarget, now: Timestamp): string | undefined {
  if (!coversMethod(rule, method)) return `does not cover ${method.name}`;
  if (rule.notAfter !== undefined && now >= rule.notAfter) return `ended at ${new Date(rule.notAfter).toISOString()}`;
  const isOfAll = rule.tenants.includes('*');
  const isAllow = rule.effect === 'ALLOW';
  switch (target.kind) {
    case 'CONNECTION':
      if (!isOfAll && !rule.tenants.includes(target.tenant)) return `is about other tenants than ${target.tenant}`;
      return connectionMatcher(rule.connections ?? '*')(target.connection ?? '')
        ? undefined
        : `is about other connections: ${rule.connections}`;
    case 'TENANT':
      if (!isOfAll && !rule.tenants.includes(target.tenant)) return `is about other tenants than ${target.tenant}`;
      break;
    case 'ALL':
      if (isAllow && !isOfAll) return 'is not about all tenants';
      break;
    case 'VISIBLE':
      break;
    case 'NONE':
      if (isAllow) return undefined;
      if (!isOfAll) return 'is about single tenants, and the call concerns no tenant';
      return rule.connections === undefined ? undefined : 'is about connections, and the call concerns none';
  }
  return isAllow && rule.connections !== undefined
    ? 'allows single connections only, and the call is not about one'
    : undefined;
}
