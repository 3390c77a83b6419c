/** Fails where generating has changed what is committed: generated code, migrations, manifests and pages must be fresh. */
import { execFileSync } from 'node:child_process';
import { MANIFESTS } from '../deploy/prometheus_rule.ts';
import { PAGES } from './reference/pages.ts';

const generated = ['src/gen', 'clients/typescript/src/gen', 'drizzle', ...Object.keys({ ...PAGES, ...MANIFESTS })];
const changed = execFileSync('git', ['status', '--porcelain', '--', ...generated], { encoding: 'utf8' });
if (changed !== '') {
  console.error(`Not what the sources generate; commit what \`npm run generate\` made:\n${changed}`);
  process.exitCode = 1;
}
