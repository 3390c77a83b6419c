import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { buildProgramArchive } from './build_program_archive.ts';
import { buildProtoArchive } from './build_proto_archive.ts';
import { buildSbom } from './build_sbom.ts';
import { CLIENT_PACKAGES, type ClientPackage } from './client_packages.ts';
import { exportTree } from './export_tree.ts';
import { run } from './run.ts';
import { type ReleaseFile, writeSums } from './sums.ts';
import { releaseVersion } from './version.ts';

/** As for the image. npm compares the packages with the hashes in the lock file. */
const NPM_CI = 'ci --omit=dev --omit=optional --ignore-scripts --prefer-offline --no-audit --no-fund';

interface Options {
  readonly checkout: string;
  /** Is replaced once the release is complete. On the file system of the checkout. */
  readonly folder: string;
  readonly clients?: readonly ClientPackage[];
  /** Default: that of the commit that is checked out. */
  readonly tree?: string;
}

/** Builds a release. Returns its files. */
export async function buildRelease(options: Options): Promise<ReleaseFile[]> {
  const { checkout, folder, clients = CLIENT_PACKAGES, tree = 'HEAD' } = options;
  mkdirSync(join(checkout, '.tmp'), { recursive: true });
  // In the checkout, so that the build finds the development dependencies.
  const temporary = mkdtempSync(join(checkout, '.tmp/release-'));
  try {
    const [root, output] = [join(temporary, 'checkout'), join(temporary, 'release')];
    mkdirSync(output);
    const time = await exportTree(checkout, tree, root);
    const release = { version: releaseVersion(root), time, root, output, temporary };
    const packages = clients.filter((client) => existsSync(join(root, client.folder)));
    requireTools(packages);
    await run('npm', NPM_CI.split(' '), { cwd: root });
    await allSettled([
      buildProgramArchive(release),
      buildProtoArchive(release),
      buildSbom(release),
      ...packages.map((client) => client.build(release)),
    ]);
    const files = writeSums(output);
    rmSync(folder, { recursive: true, force: true });
    renameSync(output, folder);
    return files;
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

function requireTools(packages: readonly ClientPackage[]): void {
  const missing = packages.flatMap((client) => client.missingTools() ?? []);
  if (missing.length > 0) throw new Error(missing.join('\n'));
}

/** Unlike Promise.all, it ends only when nothing is written any more. */
async function allSettled(parts: readonly Promise<void>[]): Promise<void> {
  for (const result of await Promise.allSettled(parts)) if (result.status === 'rejected') throw result.reason;
}
