import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { parse } from 'yaml';
import { EXPECTED, registerProblems, UNTIL_TOKENS_EXPIRE } from './apps_with_problems.ts';
import { registerHealthyApps } from './healthy_apps.ts';
import { type FiringAlert, hasPrometheus, type PrometheusServer, startPrometheus } from './prometheus_server.ts';
import { startWatchedVault, type WatchedVault } from './watched_vault.ts';

/** For ten minutes, as an operator would scrape. */
const IS_LONG = process.env['ALERTS'] === 'long';
const INTERVAL = IS_LONG ? 5 : 1;
const SCRAPES = IS_LONG ? 600 / INTERVAL : 5;
/** Seconds that an alert waits at most before it fires, in place of up to six hours. Prometheus finds its target after six. */
const LONGEST_FOR = IS_LONG ? 120 : 10;
const APPS = 200;

if (!hasPrometheus && process.env['CI_RUN'] === undefined)
  console.warn('prometheus is not installed (apt-get install prometheus): no Prometheus scrapes a vault.');

interface AlertRule {
  readonly alert: string;
  readonly for?: string;
  readonly annotations: { readonly summary: string };
}

const { groups } = parse(readFileSync('docs/prometheus/rules.yaml', 'utf8')) as { groups: { rules: AlertRule[] }[] };
const rules = groups.flatMap((group) => group.rules);

function thatFiresSoon(rule: AlertRule): AlertRule {
  return rule.for === undefined ? rule : { ...rule, for: `${Math.min(secondsOf(rule.for), LONGEST_FOR)}s` };
}

function secondsOf(duration: string): number {
  const [, count, unit = 's'] = /^(\d+)([smh])$/.exec(duration) ?? [];
  return Number(count) * ({ s: 1, m: 60, h: 3_600 }[unit] ?? Number.NaN);
}

test('each alert about an app is provoked', () => {
  const ofApps = rules.filter(({ annotations }) => annotations.summary.includes('$labels.app'));
  expect(new Set([...EXPECTED.values()].flat())).toEqual(new Set(ofApps.map(({ alert }) => alert)));
});

describe.skipIf(!hasPrometheus && process.env['CI_RUN'] === undefined)('a Prometheus that scrapes 200 apps', () => {
  let vault: WatchedVault;
  let prometheus: PrometheusServer;
  let healthy: readonly string[];
  /** All alerts that fired, by their labels. */
  const fired = new Map<string, FiringAlert>();

  beforeAll(async () => {
    vault = await startWatchedVault();
    const problems = await registerProblems(vault);
    healthy = await registerHealthyApps(vault, APPS - EXPECTED.size);
    await vault.later(UNTIL_TOKENS_EXPIRE);
    prometheus = await startPrometheus({
      target: vault.vault.addresses.ops,
      rules: { groups: [{ name: 'token-vault', rules: rules.map(thatFiresSoon) }] },
      intervalSeconds: INTERVAL,
    });
    await problems.fail();
    await vault.runJobs();
    const timeout = (SCRAPES * INTERVAL + 2 * LONGEST_FOR + 60) * 1_000;
    await vi.waitFor(watch, { timeout, interval: 1_000 });
  }, 900_000);

  afterAll(async () => {
    await prometheus?.close();
    await vault?.close();
  });

  /** Requests tokens of healthy apps, and notes what fires. Rejects until all expected alerts have fired, and there are enough scrapes. */
  async function watch(): Promise<void> {
    for (const connection of healthy) await vault.tokens.getAccessToken({ connection, scopes: ['Mail.ReadOnly'] });
    for (const alert of await prometheus.firing()) fired.set(JSON.stringify(alert.labels), alert);
    expect([...fired.values()].map(nameOf)).toEqual(expect.arrayContaining(expectedNames()));
    const [scrapes] = await prometheus.query('count_over_time(up{job="token-vault"}[1h])');
    expect(scrapes?.value).toBeGreaterThanOrEqual(SCRAPES);
  }

  function expectedNames(): string[] {
    return [...EXPECTED].flatMap(([tenant, alerts]) => alerts.map((alert) => `${alert} ${tenant}/default`));
  }

  test('every alert about an app names it, and no other alert fires', () => {
    expect([...new Set([...fired.values()].map(nameOf))].sort()).toEqual(expectedNames().sort());
    for (const { labels, annotations } of fired.values())
      expect(annotations.summary).toContain(`tenants/${labels['tenant']}/apps/${labels['app']}`);
  });

  test('the number of series is bounded: a healthy app has one, of its credential', async () => {
    const count = async (selector: string) => (await prometheus.query(`count(${selector})`))[0]?.value ?? 0;
    const [all, ofTenants, expiries, problems, ofHealthy, statements] = await Promise.all([
      // With an instance: without the alerts.
      count('{job="token-vault", instance!=""}'),
      count('{job="token-vault", instance!="", tenant!=""}'),
      count('tokenvault_credential_expire_timestamp_seconds'),
      count('{__name__=~"tokenvault_app_.*", tenant!=""}'),
      count('{__name__=~"tokenvault_app_.*", tenant=~"healthy-.*"}'),
      count('{__name__=~"tokenvault_database_seconds.*"}'),
    ]);
    console.info(
      `${APPS} apps, of which ${EXPECTED.size} have a problem: ${all} series. ${expiries} are of credentials, ${problems} of apps ` +
        `with a problem, ${statements} of database statements, ${all - ofTenants - statements} others.`,
    );
    expect(ofTenants).toBe(expiries + problems);
    expect(expiries).toBeLessThanOrEqual(APPS + EXPECTED.size);
    expect(problems).toBeLessThanOrEqual(2 * EXPECTED.size);
    expect(ofHealthy).toBe(0);
    expect(all - ofTenants - statements).toBeLessThan(1_000);
  });

  test('every query of the dashboard returns data', async () => {
    const { panels } = JSON.parse(readFileSync('docs/grafana/token-vault.json', 'utf8')) as {
      panels: { title: string; targets?: { expr: string }[] }[];
    };
    const queries = panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ title, expr })));
    const empty = [];
    for (const { title, expr } of queries) {
      const query = expr.replaceAll('$__rate_interval', `${15 * INTERVAL}s`).replaceAll('$job', '.*');
      if ((await prometheus.query(query)).length === 0) empty.push(`${title}: ${expr}`);
    }
    expect(queries.length).toBeGreaterThan(40);
    expect(empty).toEqual([]);
  });
});

function nameOf({ labels }: FiringAlert): string {
  return `${labels.alertname} ${labels['tenant'] ?? '?'}/${labels['app'] ?? '?'}`;
}
