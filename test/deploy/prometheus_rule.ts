/** Writes the PrometheusRule of the base from docs/prometheus/rules.yaml: kustomize reads no files outside its folder. */
import { readFileSync, writeFileSync } from 'node:fs';
import { parse, stringify } from 'yaml';

const RULES = 'docs/prometheus/rules.yaml';

export const MANIFEST = 'deploy/kustomize/base/prometheus-rule.yaml';

export function prometheusRule(): string {
  const { groups } = parse(readFileSync(RULES, 'utf8')) as { groups: unknown };
  const name = 'token-vault';
  const labels = { 'app.kubernetes.io/name': name };
  const rule = {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'PrometheusRule',
    metadata: { name, labels },
    spec: { groups },
  };
  return `# Generated from ${RULES} by \`npm run generate\`.\n${stringify(rule, { lineWidth: 120 })}`;
}

if (import.meta.main) writeFileSync(MANIFEST, prometheusRule());
