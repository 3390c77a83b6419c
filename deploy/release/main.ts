/** `npm run release -- --dry-run`: builds what a release publishes into `release/` (docs/releasing.md). */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { buildRelease } from './build_release.ts';
import { hasUncommittedChanges } from './export_tree.ts';

const checkout = fileURLToPath(new URL('../..', import.meta.url));
const UNDECIDED =
  'Releases are not published yet, because the owner has decisions to make (docs/releasing.md). ' +
  'Run `npm run release -- --dry-run` to build one into release/.';

// The modes in the archives do not depend on that of the user.
process.umask(0o022);
try {
  const { values } = parseArgs({ options: { 'dry-run': { type: 'boolean', default: false } } });
  if (!values['dry-run']) throw new Error(UNDECIDED);
  if (await hasUncommittedChanges(checkout)) console.warn('The release does not contain your uncommitted changes.');
  const files = await buildRelease({ checkout, folder: join(checkout, 'release') });
  for (const { name, size } of files) console.log(`${String(size).padStart(10)}  release/${name}`);
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
