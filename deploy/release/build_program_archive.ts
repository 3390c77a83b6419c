import { join } from 'node:path';
import { writeArchive } from './archive.ts';
import type { Release } from './release.ts';
import { run } from './run.ts';

/** The files of the image: what the Containerfile copies, and the packages. */
export const PROGRAM_FILES = [
  'package.json',
  'package-lock.json',
  'bin',
  'drizzle',
  'src/gen/descriptor_set.binpb',
  'src/scopes/catalogs',
  'dist',
];

/** Links to workspaces, and what npm notes for itself. */
const OMITTED = /^node_modules\/(?:@token-vault\/|\.package-lock\.json$)/;

/** The program as `npm run build` makes it, with its production packages. It runs where Node is. */
export async function buildProgramArchive({ version, time, root, output }: Release): Promise<void> {
  await run(process.execPath, ['deploy/build.ts'], { cwd: root });
  const name = `token-vault-${version}`;
  const paths = [...PROGRAM_FILES, 'node_modules'];
  await writeArchive(join(output, `${name}.tar.gz`), { name, time, root, paths, omit: OMITTED });
}
