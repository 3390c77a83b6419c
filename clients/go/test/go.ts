import { execFile, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export const MODULE = fileURLToPath(new URL('..', import.meta.url));
/** Of the first compilation, on a busy machine. */
export const COMPILE_TIMEOUT = 600_000;

const hasGo = spawnSync('go', ['version'], { cwd: MODULE }).status === 0;
if (!hasGo) console.warn('Go 1.26 is not installed: the tests of the Go client are skipped.');
/** In CI, a missing Go fails the tests. */
export const skipsGo = !hasGo && process.env['CI_RUN'] === undefined;
/** Everything is compiled once, with the race detector, which needs a C compiler. */
const hasCompiler = spawnSync('go', ['env', 'CGO_ENABLED'], { encoding: 'utf8' }).stdout?.trim() === '1';
export const GOFLAGS = `${process.env['GOFLAGS'] ?? ''} ${hasCompiler ? '-race' : ''}`.trim();

const run = promisify(execFile);

/** Runs `go` in the module, and returns what it prints. */
export async function go(args: readonly string[]): Promise<string> {
  const options = { cwd: MODULE, env: { ...process.env, GOFLAGS }, maxBuffer: 2 ** 26 };
  return (await run('go', args, options)).stdout;
}
