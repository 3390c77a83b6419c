import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sourceHash } from '../bin/source_hash.js';
import { bundle } from './bundle.ts';
import { thirdPartyNotices } from './third_party_notices.ts';

/** An image does not contain them. In a checkout, their sources run. */
const OUTSIDE = /^\.\.?\/(?:sandbox|demo)\//;

/** Builds `dist/` of the checkout `root`: the program as one bundle, which starts in a quarter of the time. */
export async function buildProgram(root: string): Promise<void> {
  const folder = join(root, 'dist');
  rmSync(folder, { recursive: true, force: true });
  const { inputs } = await bundle({ 'token-vault': join(root, 'src/main.ts') }, folder, OUTSIDE);
  writeFileSync(join(folder, 'sources.sha256'), sourceHash(root) ?? '');
  writeFileSync(join(folder, 'THIRD_PARTY_NOTICES'), thirdPartyNotices(Object.keys(inputs)));
}
