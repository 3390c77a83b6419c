import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type Input, type Result, type Run, startProgram } from './program.ts';

/** Starts `token-vault import …` in its own process. */
export function startImport(args: readonly string[], input?: Input): Run {
  return startProgram(['import', ...args], input === undefined ? {} : { input });
}

export function runImport(args: readonly string[], input?: Input): Promise<Result> {
  return startImport(args, input).ended;
}

/** The output of `--json`. */
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
  readonly left_out: readonly RejectedJson[];
}

export interface ImportCounts {
  readonly imported: number;
  readonly already_there: number;
  readonly skipped: number;
  readonly refused: number;
  readonly doubtful: number;
}

export interface RejectedJson {
  readonly line: number | null;
  readonly what: string;
  readonly outcome: string;
  readonly reason: string;
  readonly why: string;
  readonly next_step: string;
}

export function answerOf({ stdout }: Result): ImportAnswer {
  return JSON.parse(stdout) as ImportAnswer;
}

export interface Files {
  write(name: string, content: string): string;
  path(name: string): string;
  read(name: string): string;
}

/** A folder that is removed after the test. */
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
