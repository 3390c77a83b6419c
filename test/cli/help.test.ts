import { readFileSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import type { Command } from 'commander';
import { expect, test } from 'vitest';
import { commandTree } from '../../src/cli/completion/command_tree.ts';
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

const DOCUMENTS = ['docs/runbook.md', 'docs/commands.md', 'docs/production.md', 'docs/key-rotation.md'];
const TREE = commandTree(defineProgram({ version: '0.0.0', streams, exit }));

/** What follows `npm run token-vault --`, and the commands of the tables. */
function commandsOf(page: string): readonly string[] {
  const text = readFileSync(page, 'utf8');
  const lines = [...text.matchAll(/npm run token-vault -- ([a-z][^`\n]*)/g)].map(([, line = '']) => line);
  const tables = [...text.matchAll(/^\| (`[^|]+`[^|]*) \|/gm)].flatMap(
    ([, cell = '']) => cell.match(/(?<=`)[a-z][^`,]+(?=`)/g) ?? [],
  );
  return [...lines, ...(page === 'docs/commands.md' ? tables : [])];
}

test.each(DOCUMENTS.flatMap((page) => commandsOf(page).map((line) => ({ page, line }))))(
  '$page: `$line` is a command with its options',
  ({ line }) => {
    const words = line.replace(/'[^']*'/g, 'x').split(/\s+/);
    const command = TREE.findLast(({ path }) => `token-vault ${words.join(' ')} `.startsWith(`${path} `));
    expect(command?.path.split(' ').length).toBeGreaterThan(/^(status|serve|sandbox|demo)\b/.test(line) ? 1 : 2);
    const options = words.filter((word) => word.startsWith('--') && word !== '--');
    expect(options.filter((word) => !command?.options.some((option) => option.word === word))).toEqual([]);
  },
);
