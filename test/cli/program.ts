import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { COMPILE_CACHE } from '../compile_cache.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

export interface Ending {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Run {
  readonly child: ChildProcess;
  readonly ended: Promise<Ending>;
}

/** What comes by standard input; `thenWaits`: it stays open behind that. */
export type Input = string | { readonly thenWaits: string };

/** `token-vault …` as an operator runs it: a process of its own. */
export function startProgram(args: readonly string[], input: Input = ''): Run {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: 'pipe', env: COMPILE_CACHE });
  onTestFinished(() => void child.kill('SIGKILL'));
  child.stdin.on('error', () => {});
  if (typeof input === 'string') child.stdin.end(input);
  else child.stdin.write(input.thenWaits);
  const written = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => {
    written.stdout += chunk.toString('utf8');
  });
  child.stderr.on('data', (chunk: Buffer) => {
    written.stderr += chunk.toString('utf8');
  });
  const ended = once(child, 'close').then(([code]): Ending => ({ code: code as number | null, ...written }));
  return { child, ended };
}
