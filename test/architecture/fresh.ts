/** Fails where generating has changed what is committed: the generated code and the migrations must be fresh. */
import { execFileSync } from 'node:child_process';

const changed = execFileSync(
  'git',
  ['status', '--porcelain', '--', 'src/gen', 'clients/typescript/src/gen', 'drizzle'],
  { encoding: 'utf8' },
);
if (changed !== '') {
  console.error(`Not what the sources generate; commit what \`npm run generate\` made:\n${changed}`);
  process.exitCode = 1;
}
