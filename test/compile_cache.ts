import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const FOLDER = fileURLToPath(new URL('../.tmp/compile-cache', import.meta.url));

/** For the environment of child processes: a start of the vault, of which the tests need some hundred, takes a quarter less. */
export const COMPILE_CACHE = { NODE_COMPILE_CACHE: FOLDER };

/** Fills it, where it is not there yet: Node writes at a regular end alone, and most of those processes are killed. */
export async function setup(): Promise<void> {
  if (existsSync(FOLDER)) return;
  const folder = mkdtempSync(join(tmpdir(), 'compile-cache-'));
  const listeners = ['GRPC', 'ADMIN', 'WEB', 'OPS'].map((name) => [`TOKENVAULT_${name}_ADDRESS`, '127.0.0.1:0']);
  const child = spawn(process.execPath, [fileURLToPath(new URL('../src/main.ts', import.meta.url)), 'serve'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...COMPILE_CACHE, ...Object.fromEntries(listeners) },
  });
  // It has loaded all that it needs by the time that it says something.
  child.stdout.once('data', () => child.kill('SIGTERM'));
  await once(child, 'close');
  rmSync(folder, { recursive: true, force: true });
}
