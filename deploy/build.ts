/** Builds `dist/`: the program as one bundle, which starts in a third of the time of the sources. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sourceHash } from '../bin/source_hash.js';
import { bundle } from './bundle.ts';
import { thirdPartyNotices } from './third_party_notices.ts';

/** An image does not contain them. In a checkout, their sources run. */
const OUTSIDE = /^\.\.?\/(?:sandbox|demo)\//;

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = join(root, 'dist');
rmSync(folder, { recursive: true, force: true });
const { inputs } = await bundle({ 'token-vault': join(root, 'src/main.ts') }, folder, OUTSIDE);
writeFileSync(join(folder, 'sources.sha256'), sourceHash(root) ?? '');
writeFileSync(join(folder, 'THIRD_PARTY_NOTICES'), thirdPartyNotices(Object.keys(inputs)));
