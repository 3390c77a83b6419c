/** Writes the PrometheusRules of deploy/ from docs/prometheus/: kustomize reads no files outside its folder. */
import { readFileSync, writeFileSync } from 'node:fs';
import { parse, stringify } from 'yaml';

/** The rule files, by the manifest that has them. */
export const MANIFESTS = {
  'deploy/kustomize/base/prometheus-rule.yaml': { name: 'token-vault', rules: 'docs/prometheus/rules.yaml' },
  'deploy/kustomize/slo/prometheus-rule.yaml': { name: 'token-vault-slo', rules: 'docs/prometheus/slo.rules.yaml' },
} as const;

export function prometheusRule({ name, rules }: { readonly name: string; readonly rules: string }): string {
  const { groups } = parse(readFileSync(rules, 'utf8')) as { groups: unknown };
  const labels = { 'app.kubernetes.io/name': 'token-vault' };
  const rule = {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'PrometheusRule',
    metadata: { name, labels },
    spec: { groups },
  };
  return `# Generated from ${rules} by \`npm run generate\`.\n${stringify(rule, { lineWidth: 120 })}`;
}

if (import.meta.main)
  for (const [path, source] of Object.entries(MANIFESTS)) writeFileSync(path, prometheusRule(source));
