import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const CHECKOUT = fileURLToPath(new URL('../..', import.meta.url));

/** The parent of the commit that added the last migration. */
export type Parent = { readonly commit: string } | { readonly missing: string };

export function parentOfLastMigration(): Parent {
  try {
    const added = git('log', '-1', '--diff-filter=A', '--format=%H', '--', 'drizzle/postgres/*.sql');
    return { commit: git('rev-parse', '--verify', '--quiet', `${added}^`) };
  } catch {
    return { missing: 'the history does not reach to the parent of the last migration: run `git fetch --unshallow`' };
  }
}

/** A worktree of a commit in a temporary folder, with the dependencies of this checkout. */
export interface Worktree {
  readonly main: string;
  /** Fills a database with connections. */
  readonly fill: string;
  remove(): void;
}

export function addWorktree(commit: string): Worktree {
  const parent = mkdtempSync(join(tmpdir(), 'worktree-'));
  const folder = join(parent, 'checkout');
  git('worktree', 'add', '--quiet', '--detach', folder, commit);
  symlinkSync(join(CHECKOUT, 'node_modules'), join(folder, 'node_modules'));
  return {
    main: join(folder, 'src/main.ts'),
    fill: join(folder, 'test/bench/fill_connections.ts'),
    remove() {
      rmSync(parent, { recursive: true, force: true });
      git('worktree', 'prune');
    },
  };
}

function git(...args: readonly string[]): string {
  return execFileSync('git', args, { cwd: CHECKOUT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
}
