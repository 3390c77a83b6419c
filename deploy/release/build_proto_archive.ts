import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeArchive } from './archive.ts';
import type { Release } from './release.ts';

/** The API as `.proto` files, and as a descriptor set. */
export async function buildProtoArchive({ version, time, root, output }: Release): Promise<void> {
  const name = `token-vault-proto-${version}`;
  copyFileSync(join(root, 'src/gen/descriptor_set.binpb'), join(output, `${name}.binpb`));
  await writeArchive(join(output, `${name}.tar.gz`), { name, time, root, paths: ['proto', 'third_party'] });
}
