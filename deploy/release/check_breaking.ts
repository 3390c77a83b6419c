/** `npm run check:breaking`: fails on changes of the API that break clients of the last release (docs/releasing.md). */
import { spawnSync } from 'node:child_process';

const git = (...words: readonly string[]) => spawnSync('git', words, { encoding: 'utf8' }).stdout.trim();

const tag = git('describe', '--tags', '--abbrev=0', '--match', 'v[0-9]*');
if (tag === '') {
  const isShallow = git('rev-parse', '--is-shallow-repository') === 'true';
  const hint = isShallow ? ' in this shallow clone: run `git fetch --unshallow --tags`' : ' yet';
  console.log(`There is no tag of a release${hint}. The API is not compared.`);
} else {
  const against = `${git('rev-parse', '--git-common-dir')}#tag=${tag}`;
  process.exitCode = spawnSync('buf', ['breaking', '--against', against], { stdio: 'inherit' }).status ?? 1;
  if (process.exitCode === 0) console.log(`The API breaks no client of ${tag}.`);
}
