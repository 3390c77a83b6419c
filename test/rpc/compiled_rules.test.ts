import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Rule, roleRule } from '../../src/model/authenticated_caller.ts';
import { type AccessMethod, compileRules } from '../../src/model/compiled_rules.ts';
import { connectionMatcher } from '../../src/model/connection_glob.ts';
import { explainRules } from '../../src/model/explain_rules.ts';
import { type AccessLabels, hasLabels, NO_LABELS, type TenantLabels } from '../../src/model/tenant_labels.ts';
import { METHODS, targetOf } from '../../src/rpc/pipeline/authorize_caller.ts';

const NOW = 1_000;
const GET = methodOf('TokenService/GetAccessToken');
const LIST = methodOf('ConnectionService/ListConnections');
const STATUS = methodOf('StatusService/GetStatus');

function methodOf(name: string): AccessMethod {
  const found = METHODS.find((method) => method.name === name);
  if (found === undefined) throw new Error(`no method ${name}`);
  return found;
}

function decide(rules: readonly Rule[], method: AccessMethod, resource: string, now = NOW) {
  return compileRules(rules).decide(method, targetOf(resource), now, LABELS);
}

/** Of the tenants. Those of `gamma` are not known. */
const LABELS_OF: Readonly<Record<string, AccessLabels | undefined>> = {
  acme: { 'access.tier': 'gold', 'access.region': 'eu' },
  beta: { 'access.tier': 'gold' },
  gamma: undefined,
};
const LABELS: TenantLabels = {
  of: (tenant) => (tenant in LABELS_OF ? LABELS_OF[tenant] : NO_LABELS),
  select: (selector) =>
    Object.entries(LABELS_OF).flatMap(([id, labels]) => (labels && hasLabels(labels, selector) ? [id] : [])),
};

function isAllowed(rules: readonly Rule[], method: AccessMethod, resource: string, now = NOW): boolean {
  return decide(rules, method, resource, now).isAllowed;
}

const reads = roleRule('reads', 'token_reader', ['acme']);
const connects = roleRule('connects', 'connector', ['acme', 'beta']);
const deny = (fields: Partial<Rule>): Rule => ({ ...reads, id: 'deny', effect: 'DENY', ...fields });

describe('rules', () => {
  test('deny by default, and allow by role or by action', () => {
    const byAction = (action: string): Rule => ({ ...reads, role: undefined, actions: [action] });
    expect(isAllowed([], GET, 'tenants/acme/connections/ada')).toBe(false);
    expect(isAllowed([reads], GET, 'tenants/acme/connections/ada')).toBe(true);
    expect(isAllowed([reads], GET, 'tenants/beta/connections/ada')).toBe(false);
    expect(isAllowed([reads], LIST, 'tenants/acme')).toBe(false);
    expect(isAllowed([byAction('TokenService/GetAccessToken')], GET, 'tenants/acme/connections/ada')).toBe(true);
    expect(isAllowed([byAction('TokenService/*')], GET, 'tenants/acme/connections/ada')).toBe(true);
    expect(isAllowed([byAction('TokenService/WatchAccessToken')], GET, 'tenants/acme/connections/ada')).toBe(false);
    expect(isAllowed([byAction('TokenService/*')], LIST, 'tenants/acme')).toBe(false);
  });

  test('end at not_after, both ALLOW and DENY', () => {
    const connection = 'tenants/acme/connections/ada';
    expect(isAllowed([{ ...reads, notAfter: NOW }], GET, connection, NOW - 1)).toBe(true);
    expect(isAllowed([{ ...reads, notAfter: NOW }], GET, connection)).toBe(false);
    expect(isAllowed([reads, deny({ notAfter: NOW })], GET, connection, NOW - 1)).toBe(false);
    expect(isAllowed([reads, deny({ notAfter: NOW })], GET, connection)).toBe(true);
  });

  test('with connections allow these connections only, not the tenant as a whole', () => {
    const some: Rule = { ...connects, connections: 'mail-*' };
    const getOne = methodOf('ConnectionService/GetConnection');
    expect(isAllowed([some], getOne, 'tenants/acme/connections/mail-ada')).toBe(true);
    expect(isAllowed([some], getOne, 'tenants/acme/connections/Mail-ada')).toBe(false);
    expect(isAllowed([some], LIST, 'tenants/acme')).toBe(false);
    expect(isAllowed([some], LIST, 'tenants/-')).toBe(false);
    expect(
      isAllowed([{ ...reads, connections: '*' }], methodOf('TokenService/GetAppAccessToken'), 'tenants/acme/apps/x'),
    ).toBe(false);
  });

  test('DENY wins, whatever the order, and names its rule', () => {
    const connection = 'tenants/acme/connections/ceo';
    for (const rules of [
      [reads, deny({})],
      [deny({}), reads],
    ])
      expect(decide(rules, GET, connection)).toMatchObject({ isAllowed: false, rule: { id: 'deny' } });
    expect(isAllowed([reads, deny({ connections: 'ceo' })], GET, connection)).toBe(false);
    expect(isAllowed([reads, deny({ connections: 'c*o' })], GET, connection)).toBe(false);
    expect(isAllowed([reads, deny({ connections: 'ceo' })], GET, 'tenants/acme/connections/ada')).toBe(true);
    expect(isAllowed([reads, deny({ role: undefined, actions: ['*'], tenants: ['*'] })], GET, connection)).toBe(false);
  });

  test('DENY of a connection also denies what reaches all connections of its tenant', () => {
    const denied = deny({ role: 'connector', connections: 'ceo' });
    expect(isAllowed([connects, denied], LIST, 'tenants/acme')).toBe(false);
    expect(isAllowed([connects, denied], LIST, 'tenants/beta')).toBe(true);
    expect(
      isAllowed(
        [reads, deny({ connections: 'ceo' })],
        methodOf('TokenService/GetAppAccessToken'),
        'tenants/acme/apps/x',
      ),
    ).toBe(false);
  });

  test('a list of all tenants leaves out those with a DENY rule, or is denied', () => {
    const denied = deny({ role: 'connector' });
    expect(decide([connects], LIST, 'tenants/-')).toMatchObject({ tenants: ['acme', 'beta'] });
    expect(decide([connects, denied], LIST, 'tenants/-')).toMatchObject({ isAllowed: true, tenants: ['beta'] });
    const everywhere = roleRule('all', 'connector', ['*']);
    expect(decide([everywhere], LIST, 'tenants/-')).toMatchObject({ isAllowed: true, tenants: undefined });
    expect(decide([everywhere, denied], LIST, 'tenants/-')).toMatchObject({ isAllowed: false });
  });

  test('methods for all tenants are denied by a DENY rule of any tenant', () => {
    const everywhere = roleRule('all', 'operator', ['*']);
    expect(isAllowed([everywhere], STATUS, 'tenants/*')).toBe(true);
    expect(isAllowed([everywhere, deny({ role: 'operator' })], STATUS, 'tenants/*')).toBe(false);
  });
});

describe('a glob of connection ids', () => {
  test.each([
    ['*', ['', 'ada'], []],
    ['ada', ['ada'], ['', 'adam', 'Ada']],
    ['mail-*', ['mail-', 'mail-ada'], ['mail', 'xmail-ada']],
    ['*-mail', ['-mail', 'ada-mail'], ['mail', 'ada-mailx']],
    ['a*b*c', ['abc', 'aXbYc', 'abbcc'], ['ab', 'ac', 'acb', 'bac']],
    ['a*a', ['aa', 'aba'], ['a']],
    ['a.c', ['a.c'], ['abc']],
  ])('%s', (glob, matching, others) => {
    const matches = connectionMatcher(glob);
    expect(matching.filter((id) => !matches(id))).toEqual([]);
    expect(others.filter(matches)).toEqual([]);
  });

  test('matches what a regular expression matches', () => {
    const word = fc.string({ unit: fc.constantFrom('a', 'b', '*'), maxLength: 6 }).filter((glob) => glob !== '');
    fc.assert(
      fc.property(word, fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 8 }), (glob, id) => {
        const pattern = new RegExp(`^${glob.replaceAll('*', '.*')}$`);
        expect(connectionMatcher(glob)(id)).toBe(pattern.test(id));
      }),
    );
  });
});

/** The decision by the text of the documentation, rule by rule. */
function naive(rules: readonly Rule[], method: AccessMethod, resource: string): readonly string[] | boolean {
  const target = targetOf(resource);
  const own = rules.filter(
    ({ role, actions, notAfter = Infinity }) =>
      NOW < notAfter &&
      (role === undefined
        ? actions.some(
            (action) => action === '*' || action === method.name || action === `${method.name.split('/')[0]}/*`,
          )
        : method.roles.includes(role)),
  );
  const allow = own.filter(({ effect }) => effect === 'ALLOW');
  const deny = own.filter(({ effect }) => effect === 'DENY');
  const isIn = ({ tenants, tenantLabels, effect }: Rule, tenant: string) => {
    if (tenantLabels === undefined) return tenants.includes('*') || tenants.includes(tenant);
    const labels = LABELS.of(tenant);
    return labels === undefined ? effect === 'DENY' : hasLabels(labels, tenantLabels);
  };
  const matches = ({ connections }: Rule) =>
    connections === undefined || connectionMatcher(connections)(target.connection ?? '');
  const isWhole = ({ connections }: Rule) => connections === undefined;
  switch (target.kind) {
    case 'CONNECTION':
      return (
        allow.some((rule) => isIn(rule, target.tenant) && matches(rule)) &&
        !deny.some((rule) => isIn(rule, target.tenant) && matches(rule))
      );
    case 'TENANT':
      return (
        allow.some((rule) => isIn(rule, target.tenant) && isWhole(rule)) &&
        !deny.some((rule) => isIn(rule, target.tenant))
      );
    case 'ALL':
      return allow.some((rule) => isIn(rule, '*') && isWhole(rule)) && deny.length === 0;
    case 'NONE':
      return allow.length > 0 && !deny.some((rule) => isIn(rule, '*') && isWhole(rule));
    case 'VISIBLE': {
      if (allow.some((rule) => isIn(rule, '*') && isWhole(rule))) return deny.length === 0;
      const seen = allow
        .filter(isWhole)
        .flatMap((rule) => (rule.tenantLabels === undefined ? rule.tenants : TENANTS.filter((id) => isIn(rule, id))));
      const rest = [...new Set(seen)].filter((tenant) => !deny.some((rule) => isIn(rule, tenant)));
      return rest.length > 0 && rest.sort();
    }
  }
}

const TENANTS = ['acme', 'beta', 'gamma'];
const anyRule = fc
  .record({
    effect: fc.constantFrom<Rule['effect']>('ALLOW', 'ALLOW', 'DENY'),
    role: fc.option(fc.constantFrom('connector', 'token_reader', 'operator'), { nil: undefined }),
    actions: fc.subarray(['TokenService/*', '*', LIST.name, STATUS.name], { minLength: 1, maxLength: 2 }),
    tenants: fc.oneof(fc.constant(['*']), fc.subarray(TENANTS, { minLength: 1 })),
    tenantLabels: fc.option(
      fc.constantFrom<AccessLabels>({ 'access.tier': 'gold' }, { 'access.tier': 'gold', 'access.region': 'eu' }),
      { nil: undefined, freq: 2 },
    ),
    connections: fc.option(fc.constantFrom('*', 'ada', 'a*', 'b', '*b*'), { nil: undefined }),
    ceiling: fc.option(fc.constant({ scopes: ['Mail.Read'], excess: 'REFUSE' } as const), { nil: undefined }),
    rate: fc.option(fc.constant({ perSecond: 1, burst: 1 }), { nil: undefined }),
    notAfter: fc.option(fc.constantFrom(NOW, NOW + 1), { nil: undefined }),
  })
  .map(
    (rule): Rule => ({
      id: 'any',
      ...rule,
      tenants: rule.tenantLabels === undefined ? rule.tenants : [],
      actions: rule.role === undefined ? rule.actions : [],
    }),
  );
const anyRules = fc.array(anyRule, { maxLength: 6 });
const anyMethod = fc.constantFrom(GET, LIST, STATUS, methodOf('ScopeService/ListCatalogs'));
const anyResource = fc.oneof(
  fc.constantFrom('', 'tenants/-', 'tenants/-', 'tenants/*', 'no name', 'tenants/acme/apps/x'),
  fc.constantFrom(...TENANTS).map((tenant) => `tenants/${tenant}`),
  fc
    .tuple(fc.constantFrom(...TENANTS), fc.constantFrom('ada', 'b', 'ab', ''))
    .map(([tenant, id]) => `tenants/${tenant}/connections/${id}`),
);

function outcome(rules: readonly Rule[], method: AccessMethod, resource: string): readonly string[] | boolean {
  const decision = decide(rules, method, resource);
  if (!decision.isAllowed || targetOf(resource).kind !== 'VISIBLE' || decision.tenants === undefined)
    return decision.isAllowed;
  return [...decision.tenants].sort();
}

describe('compiled rules', () => {
  test('decide as a naive evaluation does', () => {
    fc.assert(
      fc.property(anyRules, anyMethod, anyResource, (rules, method, resource) => {
        expect(outcome(rules, method, resource)).toEqual(naive(rules, method, resource));
      }),
      { numRuns: 2_000 },
    );
  });

  test('have limits unless a rule without a ceiling and a rate allows the call', () => {
    fc.assert(
      fc.property(anyRules, anyMethod, anyResource, (rules, method, resource) => {
        const decision = decide(rules, method, resource);
        if (!decision.isAllowed || targetOf(resource).kind === 'VISIBLE') return;
        if (decision.rule.ceiling !== undefined)
          expect(decision.limited?.every(({ ceiling }) => ceiling !== undefined)).toBe(true);
        const unlimited = rules.filter(({ ceiling, rate }) => ceiling === undefined && rate === undefined);
        expect(decision.limited === undefined).toBe(naive(unlimited, method, resource));
        for (const rule of decision.limited ?? []) {
          const others = rules.filter(({ effect }) => effect === 'DENY');
          expect(naive([rule, ...others], method, resource)).toBe(true);
        }
        const alone = rules.filter((rule) => rule.effect === 'ALLOW' && naive([rule], method, resource));
        if (decision.limited !== undefined) expect(new Set(decision.limited)).toEqual(new Set(alone));
      }),
      { numRuns: 2_000 },
    );
  });

  test('are explained as they decide', () => {
    fc.assert(
      fc.property(anyRules, anyMethod, anyResource, (rules, method, resource) => {
        const target = targetOf(resource);
        if (target.kind === 'VISIBLE') return;
        const { decision, verdicts } = explainRules(rules, method, target, NOW, LABELS);
        const applying = verdicts.filter(({ whyNot }) => whyNot === undefined).map(({ rule }) => rule.effect);
        expect(decision.isAllowed).toBe(applying.includes('ALLOW') && !applying.includes('DENY'));
      }),
      { numRuns: 2_000 },
    );
  });

  test.each<[Rule, string | undefined]>([
    [roleRule('one', 'operator', ['acme']), 'is not about all tenants'],
    [roleRule('all', 'operator', ['*']), undefined],
    [{ ...roleRule('deny', 'operator', ['acme']), effect: 'DENY' }, undefined],
  ])('are explained for a call about all tenants: $id', (rule, whyNot) => {
    const { verdicts } = explainRules([rule], STATUS, targetOf('tenants/*'), NOW, LABELS);
    expect(verdicts).toEqual([{ rule, whyNot }]);
  });

  test.each([
    [['*'], undefined],
    [['acme'], 'is about single tenants, and the call concerns no tenant'],
  ])('are explained for a call about no tenant: a DENY rule of %j', (tenants, whyNot) => {
    const rule = { ...roleRule('deny', 'operator', tenants), effect: 'DENY' } as const;
    expect(explainRules([rule], STATUS, targetOf(''), NOW, LABELS).verdicts).toEqual([{ rule, whyNot }]);
  });

  test('never allow more after an ALLOW rule is removed', () => {
    fc.assert(
      fc.property(anyRules, fc.nat(), anyMethod, anyResource, (rules, at, method, resource) => {
        const allowing = rules.filter(({ effect }) => effect === 'ALLOW');
        const removed = allowing[at % Math.max(1, allowing.length)];
        const before = outcome(rules, method, resource);
        const after = outcome(
          rules.filter((rule) => rule !== removed),
          method,
          resource,
        );
        // A caller of all tenants with a DENY rule may not list `tenants/-`, but each of the others by its name.
        if (before === false && Array.isArray(after))
          expect(after.map((tenant) => outcome(rules, method, `tenants/${tenant}`))).not.toContain(false);
        else if (before === false) expect(after).toBe(false);
        if (Array.isArray(before) && after !== false)
          expect(before).toEqual(expect.arrayContaining([...(after as string[])]));
        if (Array.isArray(before)) expect(after).not.toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });
});
