/** The rules of `docs/prometheus/`. */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

export const RULE_FILES = ['docs/prometheus/rules.yaml', 'docs/prometheus/slo.rules.yaml'];

export interface Rule {
  /** Of an alert. */
  readonly alert?: string;
  /** Of a recording rule: the name of the series that it makes. */
  readonly record?: string;
  readonly expr: string;
  readonly annotations?: { readonly runbook: string };
}

export function rulesOf(path: string): readonly Rule[] {
  const { groups } = parse(readFileSync(path, 'utf8')) as { groups: { rules: Rule[] }[] };
  return groups.flatMap(({ rules }) => rules);
}

/** The metrics of the vault in an expression of PromQL, a histogram by its own name. */
export function metricsIn(expr: string): readonly string[] {
  // Not in the name of a recorded series, `job:tokenvault_…`.
  return (expr.match(/(?<![\w:])tokenvault_\w+/g) ?? []).map((name) => name.replace(/_(bucket|sum|count)$/, ''));
}
