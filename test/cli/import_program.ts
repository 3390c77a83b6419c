import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

export interface Ending {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ImportRun {
  readonly child: ChildProcess;
  readonly ended: Promise<Ending>;
}

/** What comes by standard input; `thenWaits`: it stays open behind that. */
type Input = string | { readonly thenWaits: string };

/** `token-vault import …` as an operator runs it: a process of its own. */
export function startImport(args: readonly string[], input: Input = ''): ImportRun {
  const child = spawn(process.execPath, [MAIN, 'import', ...args], { stdio: 'pipe', env: {} });
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

export function runImport(args: readonly string[], input?: Input): Promise<Ending> {
  return startImport(args, input).ended;
}

/** What `--json` prints. */
export interface ImportAnswer {
  readonly dry_run: boolean;
  readonly stopped: string | null;
  readonly apps: ImportCounts;
  readonly connections: ImportCounts;
  readonly registered: readonly {
    readonly app: string;
    readonly is_new: boolean;
    readonly next_steps: readonly string[];
    readonly warnings: readonly string[];
  }[];
  readonly left_out: readonly LeftOutJson[];
}

export interface ImportCounts {
  readonly imported: number;
  readonly already_there: number;
  readonly skipped: number;
  readonly refused: number;
}

export interface LeftOutJson {
  readonly line: number | null;
  readonly what: string;
  readonly outcome: string;
  readonly reason: string;
  readonly why: string;
  readonly next_step: string;
}

export function answerOf({ stdout }: Ending): ImportAnswer {
  return JSON.parse(stdout) as ImportAnswer;
}

export interface Files {
  write(name: string, content: string): string;
  path(name: string): string;
  read(name: string): string;
}

/** A folder that is taken away when the test has ended. */
export function temporaryFiles(): Files {
  const folder = mkdtempSync(join(tmpdir(), 'import-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = (name: string) => join(folder, name);
  return {
    path,
    write(name, content) {
      writeFileSync(path(name), content);
      return path(name);
    },
    read: (name) => readFileSync(path(name), 'utf8'),
  };
}

export function jsonLines(lines: readonly (object | string)[]): string {
  return `${lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n')}\n`;
}
