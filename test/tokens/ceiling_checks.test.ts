import { beforeAll, describe, expect, test } from 'vitest';
import { type Rule, roleRule } from '../../src/model/authenticated_caller.ts';
import { VaultError } from '../../src/model/errors.ts';
import type { Scopes } from '../../src/scopes/scope_translator_interface.ts';
import { createCeilingChecks } from '../../src/tokens/check_scope_ceilings.ts';
import { openScopes } from '../scopes/open_scopes.ts';

const GRAPH = 'https://graph.microsoft.com';
const OUTLOOK = 'https://outlook.office.com';

let scopes: Scopes;
beforeAll(async () => {
  scopes = await openScopes();
});

interface Case {
  readonly ceilings: readonly (readonly string[])[];
  readonly requested?: readonly string[];
  readonly implicit?: readonly string[];
  readonly catalog?: string;
  readonly granted?: Readonly<Record<string, readonly string[]>>;
  readonly productScopes?: readonly string[];
  readonly excess?: 'REFUSE' | 'ALLOW';
}

const ruleOf = (id: string, ceiling: readonly string[], excess: 'REFUSE' | 'ALLOW' = 'REFUSE'): Rule => ({
  ...roleRule(id, 'token_reader', ['acme']),
  ceiling: { scopes: ceiling, excess },
});

/** The rules are r1, r2 and so on. */
function rulesOf({ ceilings, excess }: Case): readonly Rule[] {
  return ceilings.map((ceiling, index) => ruleOf(`r${index + 1}`, ceiling, excess));
}

function ceilingsOf(rules: readonly Rule[] | undefined) {
  const decided: [string, readonly string[]][] = [];
  return {
    rules,
    outcome: decided,
    decided: (rule: Rule, excess: readonly string[]) => void decided.push([rule.id, excess]),
    listen: () => () => {},
  };
}

function connectionOf({ catalog = 'aurinko', implicit = [], granted = {}, productScopes = [] }: Case) {
  return {
    catalog,
    app: { implicitPermissions: [...implicit], cloud: 'GLOBAL' as const },
    connection: { granted, productScopes },
  };
}

/** The ids of the rules that cover a request, or what is above their ceilings. */
function request(one: Case) {
  const { requested = [], productScopes = [], catalog = 'aurinko' } = one;
  const scope = scopes.translateForToken(catalog, requested.length === 0 ? productScopes : requested, 'GLOBAL');
  return outcome(() =>
    createCeilingChecks(scopes)
      .requested(ceilingsOf(rulesOf(one)), connectionOf(one), scope, requested)
      ?.map(({ id }) => id),
  );
}

/** The rule that decides on a token with these permissions of Graph and its excess, or what is above the ceilings. */
function carry(one: Case, permissions: readonly string[], rules = rulesOf(one)) {
  const ceilings = ceilingsOf(rules);
  return outcome(() => {
    createCeilingChecks(scopes).carried(ceilings, rules, connectionOf(one), { resource: GRAPH, permissions });
    return ceilings.outcome;
  });
}

function outcome<Result>(work: () => Result): Result | string {
  try {
    return work();
  } catch (error) {
    if (error instanceof VaultError && error.reason === 'SCOPE_ABOVE_CEILING')
      return `above ${error.metadata['above']}`;
    throw error;
  }
}

describe('a request', () => {
  test.each<[string, Case, readonly string[]]>([
    ['its product scope', { ceilings: [['Mail.ReadOnly']], requested: ['mail.readonly'] }, ['r1']],
    ['a permission', { ceilings: [[`${GRAPH}/Mail.Read`]], requested: ['Mail.ReadOnly'] }, ['r1']],
    ['a wider scope', { ceilings: [['Mail.ReadWrite']], requested: ['Mail.ReadOnly'] }, ['r1']],
    [
      '.default of its resource',
      { ceilings: [[`${GRAPH}/.default`]], requested: ['Mail.ReadOnly', 'Calendar.ReadOnly'] },
      ['r1'],
    ],
    [
      'those of several rules that cover it alone',
      { ceilings: [['Mail.ReadOnly'], ['Calendar.ReadOnly'], ['Mail.ReadWrite']], requested: ['Mail.ReadOnly'] },
      ['r1', 'r3'],
    ],
    [
      'a permission that no catalog has, by its full form',
      {
        ceilings: [[`${GRAPH}/Unlisted.Read`]],
        catalog: 'microsoft',
        requested: [`${GRAPH}/unlisted.read`],
      },
      ['r1'],
    ],
    [
      'a known permission by its bare name, in a catalog of other scopes',
      { ceilings: [['Mail.Read']], requested: ['Mail.ReadOnly'] },
      ['r1'],
    ],
    [
      'implicit permissions of the app',
      { ceilings: [['Mail.ReadOnly']], implicit: ['Calendars.Read', '?'], requested: ['Calendar.ReadOnly'] },
      ['r1'],
    ],
    [
      'any permission of Graph, if it requests OIDC scopes only',
      { ceilings: [['Mail.Read']], catalog: 'microsoft', requested: ['openid'] },
      ['r1'],
    ],
    [
      'all that the connection has of the resource, by .default',
      { ceilings: [['Mail.Read']], granted: { [GRAPH]: ['Mail.Read'] }, requested: [`${GRAPH}/.default`] },
      ['r1'],
    ],
  ])('is covered by %s', (_, one, covering) => {
    expect(request(one)).toEqual(covering);
  });

  test.each<[string, Case, string]>([
    [
      'above by one of its scopes',
      { ceilings: [['Mail.ReadOnly']], requested: ['Mail.ReadOnly', 'Calendar.ReadOnly'] },
      `${GRAPH}/Calendars.Read`,
    ],
    [
      'above if the ceiling has unknown texts only',
      { ceilings: [['?', 'Unlisted.Read']], requested: ['Mail.ReadOnly'] },
      `${GRAPH}/Mail.Read`,
    ],
    [
      'above if the ceiling names another resource, also with OIDC scopes only',
      { ceilings: [[`${OUTLOOK}/.default`]], catalog: 'microsoft', requested: ['openid'] },
      `${GRAPH}/.default`,
    ],
    [
      'above by all that the connection has of the resource, by .default next to a scope within',
      {
        ceilings: [['Mail.ReadOnly']],
        granted: { [GRAPH]: ['Mail.Read', 'Tasks.Read'] },
        requested: ['Mail.ReadOnly', `${GRAPH}/.default`],
      },
      `${GRAPH}/Tasks.Read`,
    ],
    [
      'above by .default of the connection, if it requests no scopes',
      { ceilings: [['Mail.ReadOnly']], granted: { [GRAPH]: ['Tasks.Read'] }, productScopes: [`${GRAPH}/.default`] },
      `${GRAPH}/Tasks.Read`,
    ],
    [
      'above by .default of a resource of which the connection has nothing yet',
      { ceilings: [['Mail.ReadOnly']], requested: [`${GRAPH}/.default`] },
      `${GRAPH}/.default`,
    ],
  ])('is %s', (_, one, above) => {
    expect(request({ ...one, excess: 'ALLOW' })).toBe(`above ${above}`);
  });

  test('above several ceilings is explained by the rule that lacks fewest', () => {
    const requested = ['Mail.ReadOnly', 'Calendar.ReadOnly', 'Tasks.ReadOnly'];
    const [few, none] = [['Mail.ReadOnly', 'Calendar.ReadOnly'], ['Contacts.ReadOnly']];
    for (const ceilings of [
      [few, none],
      [none, few],
      [none, none, few],
    ])
      expect(request({ ceilings, requested })).toBe(`above ${GRAPH}/Tasks.Read`);
    const [mail, calendar] = [['Mail.ReadOnly'], ['Calendar.ReadOnly']];
    expect(request({ ceilings: [mail, calendar], requested: requested.slice(0, 2) })).toBe(
      `above ${GRAPH}/Calendars.Read`,
    );
  });

  test('has no ceiling without rules that have one', () => {
    const checks = createCeilingChecks(scopes);
    const scope = scopes.translateForToken('aurinko', ['Mail.ReadOnly'], 'GLOBAL');
    const connection = connectionOf({ ceilings: [] });
    for (const ceilings of [undefined, ceilingsOf(undefined)])
      expect(checks.requested(ceilings, connection, scope, ['Mail.ReadOnly'])).toBeUndefined();
  });

  test('is above a rule without a ceiling, if it is checked by mistake', () => {
    const scope = scopes.translateForToken('aurinko', ['Mail.ReadOnly'], 'GLOBAL');
    const ceilings = ceilingsOf([roleRule('r', 'token_reader', ['acme'])]);
    const check = () =>
      createCeilingChecks(scopes).requested(ceilings, connectionOf({ ceilings: [] }), scope, ['Mail.ReadOnly']);
    expect(outcome(check)).toBe(`above ${GRAPH}/Mail.Read`);
  });
});

describe('a token', () => {
  const mail: Case = { ceilings: [['Mail.ReadOnly']], implicit: ['User.Read', 'openid', '?'] };

  test('within a ceiling is decided by its rule, without excess', () => {
    expect(carry(mail, ['Mail.Read', 'User.Read'])).toEqual([['r1', []]]);
    expect(carry({ ...mail, excess: 'ALLOW' }, ['mail.read'])).toEqual([['r1', []]]);
  });

  test('with more is refused, or served with its excess', () => {
    expect(carry(mail, ['Mail.Read', 'Tasks.Read'])).toBe(`above ${GRAPH}/Tasks.Read`);
    expect(carry({ ...mail, excess: 'ALLOW' }, ['Mail.Read', 'Tasks.Read'])).toEqual([['r1', ['Tasks.Read']]]);
  });

  test('is decided by the rule that covers it, before one that allows an excess', () => {
    const [tight, loose] = [ruleOf('tight', ['Mail.Read']), ruleOf('loose', ['Mail.Read'], 'ALLOW')];
    const both = ruleOf('both', ['Mail.Read', 'Tasks.Read']);
    const permissions = ['Mail.Read', 'Tasks.Read'];
    expect(carry(mail, permissions, [tight, loose])).toEqual([['loose', ['Tasks.Read']]]);
    expect(carry(mail, permissions, [tight, loose, both])).toEqual([['both', []]]);
    expect(carry(mail, permissions, [roleRule('none', 'token_reader', ['acme'])])).toBe(
      `above ${GRAPH}/Mail.Read ${GRAPH}/Tasks.Read`,
    );
  });

  test('is not checked without ceilings', () => {
    const checks = createCeilingChecks(scopes);
    const token = { resource: GRAPH, permissions: ['Tasks.Read'] };
    const connection = connectionOf(mail);
    const ceilings = ceilingsOf(undefined);
    checks.carried(undefined, rulesOf(mail), connection, token);
    checks.carried(ceilings, undefined, connection, token);
    expect(ceilings.outcome).toEqual([]);
  });

  test('that is refused says that the token carries it, and a request that it needs it', () => {
    const checks = createCeilingChecks(scopes);
    const [rule] = rulesOf(mail);
    const token = { resource: GRAPH, permissions: ['Tasks.Read'] };
    const rules = rule === undefined ? [] : [rule, rule];
    expect(() => checks.carried(ceilingsOf(rules), rules, connectionOf(mail), token)).toThrow(
      `The token carries ${GRAPH}/Tasks.Read, above the ceiling of r1, r1. Entra`,
    );
    expect(() => checks.requested(ceilingsOf(rules), connectionOf(mail), token, ['Tasks.ReadOnly'])).toThrow(
      `The request needs ${GRAPH}/Tasks.Read, above the ceiling of r1, r1. Request`,
    );
  });
});

describe("an app's own token", () => {
  const facts = { catalog: 'aurinko', cloud: 'GLOBAL', resource: GRAPH } as const;

  test('needs .default of its resource, and is decided without excess', () => {
    const checks = createCeilingChecks(scopes);
    for (const scope of ['Mail.ReadWrite', `${OUTLOOK}/.default`])
      expect(outcome(() => checks.ofApp(ceilingsOf([ruleOf('r', [scope], 'ALLOW')]), facts))).toBe(
        `above ${GRAPH}/.default`,
      );
    const ceilings = ceilingsOf([ruleOf('mail', ['Mail.Read']), ruleOf('all', [`${GRAPH}/.default`])]);
    checks.ofApp(ceilings, facts);
    expect(ceilings.outcome).toEqual([['all', []]]);
  });

  test('is not checked without ceilings', () => {
    const ceilings = ceilingsOf(undefined);
    createCeilingChecks(scopes).ofApp(undefined, facts);
    createCeilingChecks(scopes).ofApp(ceilings, facts);
    expect(ceilings.outcome).toEqual([]);
  });
});

test('what is above a ceiling is computed once for the same rule and token', () => {
  const ceiling = { scopes: ['Mail.ReadOnly'], implicit: [] };
  const permissions = ['Mail.Read', 'Tasks.Read'];
  const above = () => scopes.aboveCeiling('aurinko', ceiling, 'GLOBAL', GRAPH, permissions);
  expect(above()).toEqual(['Tasks.Read']);
  expect(above()).toBe(above());
});

test('a ceiling has other meanings for other resources and other implicit permissions', () => {
  const ceiling = ['Mail.Read', `${OUTLOOK}/IMAP.AccessAsUser.All`];
  const above = (resource: string, permission: string, ...implicit: string[]) =>
    scopes.aboveCeiling('aurinko', { scopes: ceiling, implicit }, 'GLOBAL', resource, [permission]);
  expect(above(GRAPH, 'Mail.Read')).toEqual([]);
  expect(above(OUTLOOK, 'Mail.Read')).toEqual(['Mail.Read']);
  expect(above(OUTLOOK, 'IMAP.AccessAsUser.All')).toEqual([]);
  expect(above(GRAPH, 'Tasks.Read')).toEqual(['Tasks.Read']);
  expect(above(GRAPH, 'Tasks.Read', 'Tasks.Read')).toEqual([]);
});

test('a ceiling may name permissions that are no scopes of the catalog', () => {
  const above = (permission: string, ...ceiling: string[]) =>
    scopes.aboveCeiling('aurinko', { scopes: ceiling, implicit: [] }, 'GLOBAL', GRAPH, [permission]);
  expect(above('User.Read.All', 'User.Read.All')).toEqual([]);
  expect(above('Unlisted.Read', `${GRAPH}/Unlisted.Read`)).toEqual([]);
  expect(above('Unlisted.Read', 'Unlisted.Read')).toEqual(['Unlisted.Read']);
});
