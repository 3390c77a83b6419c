/** `docs/metrics.md`: every metric of the vault, from its registry, with the alerts that use it. */
import { metricsIn, RULE_FILES, type Rule, rulesOf } from './alert_rules.ts';
import { code, head, list, paragraph } from './markdown.ts';
import { meaningOf } from './metric_labels.ts';
import { USUAL_VALUES } from './usual_values.ts';
import { type VaultMetric, vaultMetrics } from './vault_metric_list.ts';

export async function metricsPage(): Promise<string> {
  const metrics = await vaultMetrics();
  const rules = RULE_FILES.flatMap(rulesOf);
  return (
    head('Metrics', ['src/telemetry/', ...RULE_FILES]) +
    paragraph(
      'Every metric of `/metrics` on the ops listener (`TOKENVAULT_OPS_ADDRESS`), by name, with its labels and the alerts that use it.',
    ) +
    list([
      'No metric contains a secret, but some have names of tenants: keep the port internal.',
      'A counter with labels has no series before it counts, unless all values are known at the start.',
      'Prometheus loads the alerts from [rules.yaml](prometheus/rules.yaml) and [slo.rules.yaml](prometheus/slo.rules.yaml); the [runbook](runbook.md#metrics-and-alerts) says what to do about each, and [slo.md](slo.md) what to promise. [token-vault.json](grafana/token-vault.json) is a dashboard for Grafana.',
    ]) +
    '## Metrics of the vault\n\n' +
    metrics.map((metric) => metricText(metric, rules)).join('') +
    '## Metrics of the process\n\n' +
    paragraph(
      'The metrics `process_…` and `nodejs_…` are the [default metrics of prom-client](https://github.com/siimon/prom-client#default-metrics); which ones there are depends on the system. Most useful are:',
    ) +
    list([
      '`process_resident_memory_bytes`, `nodejs_heap_size_used_bytes`: memory.',
      '`process_cpu_seconds_total`: CPU. A process uses at most a little more than one core.',
      '`nodejs_eventloop_lag_p99_seconds`: how long work waits for the event loop; usually under 50 ms.',
      '`process_open_fds`, `process_max_fds`: file descriptors (Linux).',
    ]).trimEnd() +
    '\n'
  );
}

function metricText(metric: VaultMetric, rules: readonly Rule[]): string {
  const { name, type, help, labels } = metric;
  const usual = USUAL_VALUES[name];
  const users = rules.filter(({ expr }) => metricsIn(expr).includes(name));
  const alerts = users.flatMap((rule) => (rule.alert === undefined ? [] : [alertLink(rule.alert, rule)]));
  return `### ${name}\n\n${paragraph(withFullStop(help))}${list([
    `Type: ${type}${unitOf(metric)}`,
    ...labels.map(
      (label) =>
        `Label ${code(label.name)}: ${label.values.length === 0 ? meaningOf(name, label.name) : label.values.map(code).join(', ')}`,
    ),
    usual === undefined ? undefined : `Usual: ${usual}`,
    alerts.length === 0 ? undefined : `Alerts: ${alerts.join(', ')}`,
    users.some(({ record }) => record !== undefined) ? 'Used by the [objectives](slo.md)' : undefined,
  ])}`;
}

function alertLink(alert: string, { annotations }: Rule): string {
  const target = annotations?.runbook.replace(/^docs\//, '') ?? '';
  return `[${alert}](${target})`;
}

/** Of the conventions for names (https://prometheus.io/docs/practices/naming/). */
function unitOf({ name, help }: VaultMetric): string {
  if (name.endsWith('_timestamp_seconds')) return ', in seconds since 1970';
  if (name.endsWith('_seconds')) return ', in seconds';
  if (/^1( if|,)/.test(help)) return ', 1 or 0';
  return '';
}

function withFullStop(help: string): string {
  return help.endsWith('.') ? help : `${help}.`;
}
