import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Release } from './release.ts';
import { run } from './run.ts';

/** The SBOM of the program, without its random serial number, and with the time of the commit. */
export async function buildSbom({ version, time, root, output }: Release): Promise<void> {
  const { stdout } = await run('sh', ['deploy/sbom.sh'], { cwd: root, maxBuffer: 2 ** 26 });
  const { serialNumber: _, metadata, ...sbom } = JSON.parse(stdout) as { serialNumber: string; metadata: object };
  const fixed = { ...sbom, metadata: { ...metadata, timestamp: time.toISOString() } };
  writeFileSync(join(output, `token-vault-${version}.cdx.json`), `${JSON.stringify(fixed, undefined, 2)}\n`);
}
