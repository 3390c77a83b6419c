import { PassThrough } from 'node:stream';
import type { Command } from 'commander';
import { expect, test } from 'vitest';
import { defineProgram } from '../../src/startup/define_program.ts';
import { runInProcess } from './run_in_process.ts';

const streams = { stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough() };
const exit = (code: number): never => {
  throw new Error(`exit ${code}`);
};

/** The words of every command. */
function pathsOf(command: Command, words: readonly string[] = []): readonly (readonly string[])[] {
  return [words, ...command.commands.flatMap((child) => pathsOf(child, [...words, child.name()]))];
}

const PATHS = pathsOf(defineProgram({ version: '0.0.0', streams, exit }));

test.each(PATHS.map((words) => ({ name: ['token-vault', ...words].join(' '), words })))(
  '`$name --help` fits into 80 columns, on a terminal and in a pipe',
  async ({ name, words }) => {
    const [onTerminal, inPipe] = [
      await runInProcess([...words, '--help'], { terminal: 80 }),
      await runInProcess([...words, '--help']),
    ];
    expect([inPipe.code, inPipe.stderr]).toEqual([0, '']);
    expect(inPipe.stdout).toMatch(new RegExp(`^Usage: ${name} `));
    expect(inPipe.stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
    expect(onTerminal).toEqual(inPipe);
  },
);
