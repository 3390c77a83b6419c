import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const TSC = join(root, 'node_modules/.bin/tsc');
const DASHBOARD = readFileSync(join(root, 'docs/grafana/token-vault.json'), 'utf8');

/** What the compiler reports about a dashboard: as a literal, because the types of imported JSON are too wide. */
function check(json: string): string {
  mkdirSync(join(root, '.tmp'), { recursive: true });
  const folder = mkdtempSync(join(root, '.tmp', 'dashboard-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const type = `import type { GrafanaDashboard } from '../../test/alerts/grafana_dashboard.ts';`;
  writeFileSync(join(folder, 'dashboard.ts'), `${type}\nexport const dashboard: GrafanaDashboard = ${json};\n`);
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ extends: '../../tsconfig.json', files: ['dashboard.ts'], include: [] }),
  );
  const { status, stdout, error } = spawnSync(TSC, ['--project', folder], { encoding: 'utf8' });
  if (error !== undefined) throw error;
  expect(stdout === '').toBe(status === 0);
  return stdout;
}

test('the dashboard has the schema of Grafana', () => {
  expect(check(DASHBOARD)).toBe('');
});

test.each([
  ['an unknown property of a panel', '"gridPos"', '"gridPosition"'],
  ['an unknown mode of thresholds', '"absolute"', '"relative"'],
  ['a misspelt expression', '"expr"', '"expression"'],
  ['an unknown kind of panel', '"stat"', '"statistics"'],
  ['an unknown property of the dashboard', '"schemaVersion"', '"schema"'],
])('the schema finds %s', (_, right, wrong) => {
  expect(DASHBOARD).toContain(right);
  expect(check(DASHBOARD.replace(right, wrong))).not.toBe('');
});
