import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { type Actor, REASONS_BY_ACTOR } from '../../src/model/errors.ts';
import { metricsIn, rulesOf } from './reference/alert_rules.ts';
import { anchorsOf } from './reference/markdown.ts';
import { vaultMetrics } from './reference/vault_metric_list.ts';

const RULES = 'docs/prometheus/slo.rules.yaml';
const rules = rulesOf(RULES);
const tests = parse(readFileSync('docs/prometheus/slo.rules.test.yaml', 'utf8')) as {
  tests: {
    alert_rule_test?: { alertname: string; exp_alerts?: unknown[] }[];
    promql_expr_test?: { expr: string }[];
  }[];
};

/** Whose budget an error spends, by who must act. Undefined: nobody's, because somebody else caused or decided it. */
const BUDGETS: Readonly<Record<Actor, 'vault' | 'entra' | undefined>> = {
  user: undefined,
  administrator: undefined,
  app_operator: 'vault',
  operator: undefined,
  caller: undefined,
  callers_operator: undefined,
  entra: 'entra',
  vault: 'vault',
  capacity: 'vault',
  rate: undefined,
  operator_at_once: 'vault',
  developers: 'vault',
};

function reasonsOf(budget: 'vault' | 'entra'): string[] {
  return Object.entries(REASONS_BY_ACTOR).flatMap(([actor, reasons]) =>
    BUDGETS[actor as Actor] === budget ? reasons : [],
  );
}

function statusesOf(record: string): string[] {
  const expr = rules.find((rule) => rule.record === record)?.expr ?? '';
  return (/status=~"([^"]+)"/.exec(expr)?.[1] ?? '').split('|');
}

const promtool = spawnSync('promtool', ['--version']).status === 0;

describe.skipIf(!promtool)('by promtool', () => {
  test.each([
    ['check', 'rules', 'slo.rules.yaml'],
    ['test', 'rules', 'slo.rules.test.yaml'],
  ])('promtool %s %s %s succeeds', (...args) => {
    const { stdout, stderr } = spawnSync('promtool', args, { cwd: 'docs/prometheus', encoding: 'utf8' });
    expect(stdout + stderr).toContain('SUCCESS');
  });
});

test('errors spend the budget of those who are responsible', () => {
  expect(statusesOf('job:tokenvault_token_requests:rate5m')).toEqual(['OK', ...reasonsOf('vault')]);
  expect(statusesOf('job:tokenvault_token_requests_bad:rate5m')).toEqual(reasonsOf('vault'));
  expect(statusesOf('job:tokenvault_token_requests_entra:rate5m')).toEqual(reasonsOf('entra'));
});

test('the rules use metrics that exist, and series that they record', async () => {
  const known = new Set((await vaultMetrics()).map(({ name }) => name));
  const recorded = new Set(rules.map(({ record }) => record));
  const used = rules.flatMap(({ expr }) => metricsIn(expr));
  expect(used.length).toBeGreaterThan(10);
  expect(used.filter((name) => !known.has(name))).toEqual([]);
  const series = rules.flatMap(({ expr }) => expr.match(/\bjob\w*:[\w:]+/g) ?? []);
  expect(series.filter((name) => !recorded.has(name))).toEqual([]);
});

test('each alert is tried, firing and silent, and leads to a section', () => {
  const alerts = rules.flatMap(({ alert }) => (alert === undefined ? [] : [alert]));
  const tried = tests.tests.flatMap((one) => one.alert_rule_test ?? []);
  const names = (firing: boolean) =>
    new Set(tried.filter(({ exp_alerts = [] }) => exp_alerts.length > 0 === firing).map(({ alertname }) => alertname));
  expect(names(true)).toEqual(new Set(alerts));
  expect(names(false)).toEqual(new Set(alerts));
  const anchors = anchorsOf(readFileSync('docs/slo.md', 'utf8'));
  const links = rules.flatMap(({ annotations }) => annotations?.runbook.replace('docs/slo.md#', '') ?? []);
  expect(links.filter((anchor) => !anchors.has(anchor))).toEqual([]);
});

test('each indicator is named in docs/slo.md', () => {
  const page = readFileSync('docs/slo.md', 'utf8');
  const indicators = new Set(rules.flatMap(({ record }) => record?.split(':').slice(0, 2).join(':') ?? []));
  expect([...indicators].filter((name) => !page.includes(name))).toEqual([]);
});
