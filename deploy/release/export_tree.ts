import { join } from 'node:path';
import { run } from './run.ts';

/** Writes the files of a tree or commit into `folder`. Returns the time of the commit that is checked out. */
export async function exportTree(checkout: string, tree: string, folder: string): Promise<Date> {
  // An index of its own, so that the one of the checkout stays as it is.
  const options = { cwd: checkout, env: { ...process.env, GIT_INDEX_FILE: join(folder, '../index') } };
  await run('git', ['read-tree', tree], options);
  await run('git', ['checkout-index', '--all', `--prefix=${folder}/`], options);
  const { stdout } = await run('git', ['log', '-1', '--format=%cI'], options);
  return new Date(stdout.trim());
}

export async function hasUncommittedChanges(checkout: string): Promise<boolean> {
  const { stdout } = await run('git', ['status', '--porcelain'], { cwd: checkout });
  return stdout !== '';
}
