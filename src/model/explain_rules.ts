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
import { hasLabels, labelsText, NO_TENANT_LABELS, type TenantLabels } from './tenant_labels.ts';

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
  labels: TenantLabels = NO_TENANT_LABELS,
): ExplainedRules {
  return {
    decision: compileRules(rules).decide(method, target, now, labels),
    verdicts: rules.map((rule) => ({ rule, whyNot: whyNot(rule, method, target, { now, labels }) })),
  };
}

/** In a sentence without its subject, the rule. */
function whyNot(
  rule: Rule,
  method: AccessMethod,
  target: AccessTarget,
  { now, labels }: { readonly now: Timestamp; readonly labels: TenantLabels },
): string | undefined {
  if (!coversMethod(rule, method)) return `does not cover ${method.name}`;
  if (rule.notAfter !== undefined && now >= rule.notAfter) return `ended at ${new Date(rule.notAfter).toISOString()}`;
  const isOfAll = rule.tenants.includes('*');
  const isAllow = rule.effect === 'ALLOW';
  switch (target.kind) {
    case 'CONNECTION':
      return whyNotTenant(rule, target.tenant, labels) ?? whyNotConnection(rule, target.connection);
    case 'TENANT': {
      const other = whyNotTenant(rule, target.tenant, labels);
      if (other !== undefined) return other;
      break;
    }
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

function whyNotTenant(
  { tenants, tenantLabels, effect }: Rule,
  tenant: string,
  labels: TenantLabels,
): string | undefined {
  if (tenantLabels === undefined)
    return tenants.includes('*') || tenants.includes(tenant) ? undefined : `is about other tenants than ${tenant}`;
  const known = labels.of(tenant);
  if (known === undefined)
    return effect === 'DENY' ? undefined : `needs the labels of ${tenant}, which are not known now`;
  return hasLabels(known, tenantLabels) ? undefined : `is about tenants with ${labelsText(tenantLabels)}`;
}

function whyNotConnection({ connections = '*' }: Rule, connection = ''): string | undefined {
  return connectionMatcher(connections)(connection) ? undefined : `is about other connections: ${connections}`;
}
