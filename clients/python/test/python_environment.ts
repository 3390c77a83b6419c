import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const pathOf = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const isRequired = process.env['CI_RUN'] !== undefined;

/**
 * The interpreter of a virtual environment with the packages of the file, which is installed once. Undefined: Python or
 * a package is missing, which is printed, and an error in CI.
 */
export async function preparePython(requirements: string): Promise<string | undefined> {
  try {
    const version = execFileSync('python3', ['-c', 'import ensurepip, sys; print(sys.version)'], { encoding: 'utf8' });
    const key = createHash('sha256')
      .update(version)
      .update(readFileSync(pathOf(requirements)))
      .digest('hex');
    const folder = pathOf(`../../../.tmp/python-${key.slice(0, 16)}`);
    await promisify(execFile)('python3', [pathOf('prepare_environment.py'), folder, pathOf(requirements)]);
    return `${folder}/bin/python`;
  } catch (error) {
    if (isRequired) throw error;
    console.warn(`Tests of the Python client are skipped: no environment with ${requirements}. ${error}`);
    return undefined;
  }
}
