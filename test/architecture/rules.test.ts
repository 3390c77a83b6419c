import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parse } from 'yaml';
import { startScenario } from '../scenarios/start_scenario.ts';

const docs = fileURLToPath(new URL('../../docs', import.meta.url));
const read = (path: string) => readFileSync(`${docs}/${path}`, 'utf8');

interface AlertRule {
  readonly alert: string;
  readonly expr: string;
  readonly annotations: { readonly summary: string; readonly runbook: string };
}
interface RuleTest {
  readonly alert_rule_test: readonly { readonly alertname: string; readonly exp_alerts?: readonly unknown[] }[];
}
interface Panel {
  readonly title: string;
  readonly targets?: readonly { readonly expr: string }[];
}

const rules = (parse(read('prometheus/rules.yaml')) as { groups: { rules: AlertRule[] }[] }).groups.flatMap(
  (group) => group.rules,
);
const TESTS = ['rules.test.yaml', 'rules.day.test.yaml'];
const ruleTests = TESTS.flatMap((file) => (parse(read(`prometheus/${file}`)) as { tests: RuleTest[] }).tests);
const { panels } = JSON.parse(read('grafana/token-vault.json')) as { panels: Panel[] };
const expressionsOf = ({ targets = [] }: Panel) => targets.map(({ expr }) => expr);

const promtool = spawnSync('promtool', ['--version']).status === 0;
if (!promtool)
  console.warn('promtool is not installed (apt-get install prometheus): the alert rules are read, but not tried.');

function run(...args: string[]): string {
  const { status, stdout, stderr } = spawnSync('promtool', args, { cwd: `${docs}/prometheus`, encoding: 'utf8' });
  expect(status, stdout + stderr).toBe(0);
  return stdout;
}

function check(rules: unknown): string {
  const folder = mkdtempSync(join(tmpdir(), 'rules-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  // JSON is YAML.
  writeFileSync(join(folder, 'rules.yaml'), JSON.stringify(rules));
  return run('check', 'rules', join(folder, 'rules.yaml'));
}

describe.skipIf(!promtool)('by promtool', () => {
  test('the alert rules are well formed', () => {
    expect(run('check', 'rules', 'rules.yaml')).toContain(`SUCCESS: ${rules.length} rules found`);
  });

  test('the alert rules of the Kubernetes manifests are well formed', () => {
    const { spec } = parse(readFileSync(`${docs}/../deploy/kustomize/base/prometheus-rule.yaml`, 'utf8')) as {
      spec: unknown;
    };
    expect(check(spec)).toContain(`SUCCESS: ${rules.length} rules found`);
  });

  test.each(TESTS)('each alert fires when it should, and not when it should not: %s', { timeout: 180_000 }, (file) => {
    expect(run('test', 'rules', file)).toContain('SUCCESS');
  });

  test('the expressions of the dashboard are PromQL', () => {
    const written = panels.flatMap(expressionsOf).map((expr, at) => ({
      record: `panel_${at}`,
      expr: expr.replaceAll('$__rate_interval', '5m').replaceAll('$job', '.*'),
    }));
    expect(check({ groups: [{ name: 'panels', rules: written }] })).toContain('SUCCESS');
  });
});

test('each alert is tried, firing and silent', () => {
  const tried = ruleTests.flatMap((one) => one.alert_rule_test);
  const names = (firing: boolean) =>
    new Set(tried.filter(({ exp_alerts = [] }) => exp_alerts.length > 0 === firing).map(({ alertname }) => alertname));
  const all = new Set(rules.map(({ alert }) => alert));
  expect(names(true)).toEqual(all);
  expect(names(false)).toEqual(all);
});

test('every metric of the rules and of the dashboard is one that the vault shows', async () => {
  const scenario = await startScenario();
  const response = await fetch(`http://${scenario.vault.addresses.ops}/metrics`);
  const text = await response.text();
  await scenario.close();
  const shown = new Set(
    [...text.matchAll(/^# TYPE (\w+) (\w+)$/gm)].flatMap(([, name = '', type]) =>
      type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
    ),
  );

  const used = [...rules.map(({ expr }) => expr), ...panels.flatMap(expressionsOf)].flatMap(
    (expr) => expr.match(/\b(tokenvault|process|nodejs)_\w+/g) ?? [],
  );

  expect(used.length).toBeGreaterThan(40);
  expect([...new Set(used)].filter((name) => !shown.has(name))).toEqual([]);
});

test('each alert leads to a section of the runbook that is there, and is named in it', () => {
  const runbook = read('runbook.md');
  // As GitHub makes anchors of headings.
  const anchors = new Set(
    [...runbook.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
      title
        .toLowerCase()
        .replaceAll(/[^\w\- ]/g, '')
        .replaceAll(' ', '-'),
    ),
  );
  const lost = rules.filter(({ annotations }) => !anchors.has(annotations.runbook.replace('docs/runbook.md#', '')));
  expect(lost.map(({ alert }) => alert)).toEqual([]);
  expect(rules.filter(({ alert }) => !runbook.includes(`\`${alert}\``)).map(({ alert }) => alert)).toEqual([]);
});

test('each alert on a metric of single apps names the app', () => {
  const ofApps = rules.filter(({ expr }) => /\btokenvault_(app_(?!series|state)|credential_expire)/.test(expr));
  const name = 'tenants/{{ $labels.tenant }}/apps/{{ $labels.app }}';

  expect(ofApps.length).toBeGreaterThan(10);
  expect(ofApps.filter(({ annotations }) => !annotations.summary.includes(name))).toEqual([]);
});

test('the dashboard can be imported anywhere: each panel asks the data source that is chosen', () => {
  const dashboard = JSON.parse(read('grafana/token-vault.json')) as {
    templating: { list: { name: string; type: string; query: unknown }[] };
    panels: (Panel & { id: number; type: string; datasource?: { uid: string } })[];
  };
  expect(dashboard.templating.list[0]).toMatchObject({ name: 'datasource', type: 'datasource', query: 'prometheus' });
  const asking = dashboard.panels.filter(({ type }) => type !== 'row');
  expect(asking.filter(({ datasource }) => datasource?.uid !== `\${datasource}`)).toEqual([]);
  expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
});
