import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { onTestFinished } from 'vitest';
import { PROGRAM } from '../bundled_programs.ts';

export interface Result {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Run {
  readonly child: ChildProcess;
  readonly ended: Promise<Result>;
}

/** Standard input; `thenWaits`: it stays open after that text. */
export type Input = string | { readonly thenWaits: string };

export interface ProgramOptions {
  readonly input?: Input;
  readonly environment?: Readonly<Record<string, string>>;
  readonly folder?: string;
}

/** Starts `token-vault …` in its own process. */
export function startProgram(args: readonly string[], { input = '', environment, folder }: ProgramOptions = {}): Run {
  const env = { ...environment };
  const child = spawn(process.execPath, [PROGRAM, ...args], { stdio: 'pipe', env, cwd: folder });
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
  const ended = once(child, 'close').then(([code]): Result => ({ code: code as number | null, ...written }));
  return { child, ended };
}
