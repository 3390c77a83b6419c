import { createHash } from 'node:crypto';
import { dirname } from 'node:path';
import { sourceFiles } from './import_graph.ts';

/**
 * Draws 40 source files for a review of their names: `node test/architecture/draw_files.ts SEED`. The seed is the hash of a commit.
 * At most five files of a folder, none under 15 lines.
 */
const [seed = ''] = process.argv.slice(2);
const FILES = 40;
const MOST_PER_FOLDER = 5;
const FEWEST_LINES = 15;

const rank = (path: string) => createHash('sha256').update(`${seed} ${path}`).digest('hex');
const drawn: string[] = [];
const perFolder = new Map<string, number>();
const candidates = sourceFiles()
  .filter(({ path, text }) => !path.startsWith('gen/') && text.split('\n').length > FEWEST_LINES)
  .map(({ path }) => path)
  .sort((one, other) => (rank(one) < rank(other) ? -1 : 1));
for (const path of candidates) {
  const folder = dirname(path);
  const count = perFolder.get(folder) ?? 0;
  if (drawn.length === FILES || count === MOST_PER_FOLDER) continue;
  perFolder.set(folder, count + 1);
  drawn.push(path);
}
console.log(drawn.map((path) => `src/${path}`).join('\n'));
