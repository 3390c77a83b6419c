import type { Role, Rule } from './authenticated_caller.ts';
import type { Timestamp } from './clock.ts';
import { connectionMatcher } from './connection_glob.ts';
import { type AccessLabels, hasLabels, labelsText, NO_TENANT_LABELS, type TenantLabels } from './tenant_labels.ts';

/** A method, as rules name it. */
export interface AccessMethod {
  /** `TokenService/GetAccessToken`. */
  readonly name: string;
  /** The roles that include it. */
  readonly roles: readonly Role[];
}

/** What a call addresses. */
export interface AccessTarget {
  /**
   * `CONNECTION`: one connection. `TENANT`: one tenant, or a part of it other than a connection. `VISIBLE`: all tenants
   * that the caller may see (`tenants/-`). `ALL`: all tenants. `NONE`: no tenant.
   */
  readonly kind: 'CONNECTION' | 'TENANT' | 'VISIBLE' | 'ALL' | 'NONE';
  readonly tenant: string;
  /** Undefined: other than a connection. */
  readonly connection: string | undefined;
}

export type AccessDecision =
  | {
      readonly isAllowed: true;
      readonly rule: Rule;
      /** The tenants that the call may list; undefined: all. */
      readonly tenants: readonly string[] | undefined;
      /** The rules that allow it, if each of them has a ceiling or a rate. One of them must apply. */
      readonly limited: readonly Rule[] | undefined;
    }
  /** `rule` is the DENY rule; undefined: no rule allows it. */
  | { readonly isAllowed: false; readonly rule: Rule | undefined };

/** The rules of one caller. */
export interface CompiledRules {
  /** `labels`: default: no tenant has any. */
  decide(method: AccessMethod, target: AccessTarget, now: Timestamp, labels?: TenantLabels): AccessDecision;
}

interface RuleIndex {
  readonly all: IndexedRule[];
  readonly everywhere: ByConnection;
  readonly byTenant: Map<string, ByConnection>;
  readonly bySelector: Map<string, Selected>;
  /** The rules of `bySelector` that select tenants with these labels. */
  readonly byLabels: WeakMap<AccessLabels, readonly ByConnection[]>;
}

interface Selected {
  readonly selector: AccessLabels;
  readonly rules: ByConnection;
}

interface ByConnection {
  readonly all: IndexedRule[];
  /** Without `connections`. */
  readonly whole: IndexedRule[];
  /** With `connections` that have no `*`. */
  readonly exact: Map<string, IndexedRule[]>;
  /** With `*`, by what precedes it. */
  readonly globs: Map<string, IndexedRule[]>;
  /** The lengths of the keys of `globs`. */
  readonly globLengths: Set<number>;
}

interface IndexedRule {
  readonly rule: Rule;
  readonly endTime: Timestamp;
  readonly matches: (connectionId: string) => boolean;
}

interface MethodRules {
  readonly allow: RuleIndex;
  readonly deny: RuleIndex;
}

/**
 * Calls are denied unless an ALLOW rule covers all that they address, and no DENY rule covers any of it. Rules are
 * indexed by method, tenant and connection, so that a decision does not depend on their number.
 */
export function compileRules(rules: readonly Rule[]): CompiledRules {
  // Rules without limits first, since one of them suffices.
  const [limited, unlimited] = [rules.filter(isLimited), rules.filter((rule) => !isLimited(rule))];
  const indexed = [...unlimited, ...limited].map((rule) => ({
    rule,
    endTime: rule.notAfter ?? Infinity,
    matches: connectionMatcher(rule.connections ?? '*'),
  }));
  const byMethod = new Map<string, MethodRules>();

  function rulesOf(method: AccessMethod): MethodRules {
    let known = byMethod.get(method.name);
    if (known === undefined) {
      const own = indexed.filter(({ rule }) => coversMethod(rule, method));
      known = {
        allow: indexOf(own.filter(({ rule }) => rule.effect === 'ALLOW')),
        deny: indexOf(own.filter(({ rule }) => rule.effect === 'DENY')),
      };
      byMethod.set(method.name, known);
    }
    return known;
  }

  return {
    decide(method, target, now, labels = NO_TENANT_LABELS) {
      const { allow, deny } = rulesOf(method);
      const denying = deny.all.length === 0 ? undefined : firstDenying(deny, target, now, labels);
      if (denying !== undefined) return { isAllowed: false, rule: denying };
      if (target.kind === 'VISIBLE') return decideVisible(allow, deny, now, labels);
      const found = allowing(allow, target, now, labels);
      const rule = firstDeciding(found);
      if (rule === undefined) return { isAllowed: false, rule };
      const limited = isLimited(rule) ? found : undefined;
      return { isAllowed: true, rule, limited, tenants: target.kind === 'TENANT' ? [target.tenant] : NONE };
    },
  };
}

/** The rules, if each of them has a ceiling: a rule without one allows any token. */
export function ceiledRules(rules: readonly Rule[]): readonly Rule[] | undefined {
  return rules.every(hasCeiling) ? rules : undefined;
}

/** The rule that decides unless a ceiling does: the first one without a ceiling. */
export function firstDeciding(rules: readonly Rule[]): Rule | undefined {
  return rules.find(hasNoCeiling) ?? rules[0];
}

const hasCeiling = ({ ceiling }: Rule) => ceiling !== undefined;
const hasNoCeiling = ({ ceiling }: Rule) => ceiling === undefined;
const isLimited = ({ ceiling, rate }: Rule) => ceiling !== undefined || rate !== undefined;

const NONE: readonly string[] = [];
const NO_RULES: readonly IndexedRule[] = [];
const NO_LISTS: readonly IndexedRule[][] = [];

export function coversMethod({ role, actions }: Rule, method: AccessMethod): boolean {
  if (role !== undefined) return method.roles.includes(role);
  const ofService = `${method.name.slice(0, method.name.indexOf('/'))}/*`;
  return actions.some((action) => action === method.name || action === ofService || action === '*');
}

function indexOf(rules: readonly IndexedRule[]): RuleIndex {
  const index: RuleIndex = {
    all: [...rules],
    everywhere: emptyList(),
    byTenant: new Map(),
    bySelector: new Map(),
    byLabels: new WeakMap(),
  };
  for (const one of rules) {
    const selector = one.rule.tenantLabels;
    if (selector !== undefined) {
      add(entryOf(index.bySelector, labelsText(selector), () => ({ selector, rules: emptyList() })).rules, one);
      continue;
    }
    // A rule for all tenants needs no other entries.
    if (one.rule.tenants.includes('*')) add(index.everywhere, one);
    else for (const tenant of new Set(one.rule.tenants)) add(entryOf(index.byTenant, tenant, emptyList), one);
  }
  return index;
}

function emptyList(): ByConnection {
  return { all: [], whole: [], exact: new Map(), globs: new Map(), globLengths: new Set() };
}

function add(list: ByConnection, one: IndexedRule): void {
  const { connections } = one.rule;
  list.all.push(one);
  if (connections === undefined) {
    list.whole.push(one);
  } else if (connections.includes('*')) {
    const prefix = connections.slice(0, connections.indexOf('*'));
    list.globLengths.add(prefix.length);
    entryOf(list.globs, prefix, () => []).push(one);
  } else {
    entryOf(list.exact, connections, () => []).push(one);
  }
}

/** Lists with all rules that may be about the connection. */
function listsOf(list: ByConnection | undefined, connection: string): readonly (readonly IndexedRule[] | undefined)[] {
  if (list === undefined) return NO_LISTS;
  const lists = [list.whole, list.exact.get(connection)];
  for (const length of list.globLengths) lists.push(list.globs.get(connection.slice(0, length)));
  return lists;
}

function entryOf<Value>(map: Map<string, Value>, key: string, make: () => Value): Value {
  const known = map.get(key) ?? make();
  map.set(key, known);
  return known;
}

const NO_SELECTED: readonly ByConnection[] = [];

/** The rules that select the tenant by its labels. `unknown`: what is selected while its labels are not known. */
function selecting(
  index: RuleIndex,
  tenant: string,
  known: TenantLabels,
  unknown: 'ALL' | 'NONE',
): readonly ByConnection[] {
  if (index.bySelector.size === 0) return NO_SELECTED;
  const labels = known.of(tenant);
  if (labels === undefined && unknown === 'NONE') return NO_SELECTED;
  const remembered = labels && index.byLabels.get(labels);
  if (remembered !== undefined) return remembered;
  const selected = [...index.bySelector.values()]
    .filter(({ selector }) => labels === undefined || hasLabels(labels, selector))
    .map(({ rules }) => rules);
  if (labels !== undefined) index.byLabels.set(labels, selected);
  return selected;
}

function firstDenying(deny: RuleIndex, target: AccessTarget, now: Timestamp, labels: TenantLabels): Rule | undefined {
  switch (target.kind) {
    case 'CONNECTION':
      return (
        ofConnection(deny.everywhere, target, now) ??
        ofConnection(deny.byTenant.get(target.tenant), target, now) ??
        selecting(deny, target.tenant, labels, 'ALL')
          .map((rules) => ofConnection(rules, target, now))
          .find(isRule)
      );
    case 'TENANT':
      return firstOf(deny.everywhere.all, now) ?? denyingTenant(deny, target.tenant, now, labels);
    case 'VISIBLE':
      return firstOf(deny.everywhere.all, now);
    case 'ALL':
      return firstOf(deny.all, now);
    case 'NONE':
      return firstOf(deny.everywhere.whole, now);
  }
}

function isRule(rule: Rule | undefined): rule is Rule {
  return rule !== undefined;
}

/** By a rule that is not about all tenants. */
function denyingTenant(deny: RuleIndex, tenant: string, now: Timestamp, labels: TenantLabels): Rule | undefined {
  return (
    firstOf(deny.byTenant.get(tenant)?.all, now) ??
    selecting(deny, tenant, labels, 'ALL')
      .map(({ all }) => firstOf(all, now))
      .find(isRule)
  );
}

/** One rule without limits, or all with limits. */
function allowing(allow: RuleIndex, target: AccessTarget, now: Timestamp, labels: TenantLabels): readonly Rule[] {
  const { everywhere } = allow;
  if (target.kind === 'NONE') return collect([allow.all], target, now);
  if (target.kind === 'ALL') return collect([everywhere.whole], target, now);
  const own = allow.byTenant.get(target.tenant);
  const selected = selecting(allow, target.tenant, labels, 'NONE');
  const { connection } = target;
  if (connection === undefined)
    return collect([own?.whole, everywhere.whole, ...selected.map(({ whole }) => whole)], target, now);
  const lists = [...listsOf(own, connection), ...listsOf(everywhere, connection)];
  for (const rules of selected) lists.push(...listsOf(rules, connection));
  return collect(lists, target, now);
}

function collect(
  lists: readonly (readonly IndexedRule[] | undefined)[],
  { connection }: AccessTarget,
  now: Timestamp,
): readonly Rule[] {
  const limited: Rule[] = [];
  for (const list of lists) {
    for (const { rule, endTime, matches } of list ?? NO_RULES) {
      if (now >= endTime || (connection !== undefined && !matches(connection))) continue;
      if (!isLimited(rule)) return [rule];
      limited.push(rule);
    }
  }
  return limited;
}

function ofConnection(list: ByConnection | undefined, { connection = '' }: AccessTarget, now: Timestamp) {
  for (const rules of listsOf(list, connection))
    for (const { rule, endTime, matches } of rules ?? NO_RULES) if (now < endTime && matches(connection)) return rule;
  return undefined;
}

function firstOf(rules: readonly IndexedRule[] = NO_RULES, now: Timestamp): Rule | undefined {
  for (const { rule, endTime } of rules) if (now < endTime) return rule;
  return undefined;
}

/**
 * Tenants with a DENY rule are left out. If those that remain cannot be listed, the call is denied. Ceilings do not apply
 * to lists; of the rates, that of the first rule does.
 */
function decideVisible(allow: RuleIndex, deny: RuleIndex, now: Timestamp, labels: TenantLabels): AccessDecision {
  const all = firstOf(allow.everywhere.whole, now);
  if (all !== undefined) {
    const denying = firstOf(deny.all, now);
    return denying === undefined
      ? { isAllowed: true, rule: all, tenants: undefined, limited: ofRate(all) }
      : { isAllowed: false, rule: denying };
  }
  let rule: Rule | undefined;
  const tenants = new Set<string>();
  const addTenant = (tenant: string, found: Rule | undefined) => {
    if (found === undefined || denyingTenant(deny, tenant, now, labels) !== undefined) return;
    rule ??= found;
    tenants.add(tenant);
  };
  for (const [tenant, { whole }] of allow.byTenant) addTenant(tenant, firstOf(whole, now));
  for (const { selector, rules } of allow.bySelector.values()) {
    const found = firstOf(rules.whole, now);
    if (found !== undefined) for (const tenant of labels.select(selector)) addTenant(tenant, found);
  }
  return rule === undefined
    ? { isAllowed: false, rule: undefined }
    : { isAllowed: true, rule, tenants: [...tenants], limited: ofRate(rule) };
}

function ofRate(rule: Rule): readonly Rule[] | undefined {
  return rule.rate === undefined ? undefined : [rule];
}
