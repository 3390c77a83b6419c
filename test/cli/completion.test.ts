import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { temporaryFiles } from './import_program.ts';
import { HAS_TERMINAL, startOnTerminal } from './on_terminal.ts';
import { runInProcess } from './run_in_process.ts';

const TAB = '\t';
const DELETE_LINE = '\u0015';

const SHELLS = [
  { shell: 'bash', start: 'bash --norc --noprofile -i', ready: "PS1='ready> '" },
  {
    shell: 'zsh',
    start: 'zsh -f -i',
    ready: "autoload -U compinit && compinit -u -D; PS1='ready> '",
  },
].map((one) => ({ ...one, isInstalled: HAS_TERMINAL && spawnSync(one.shell, ['--version']).status === 0 }));

for (const { shell, isInstalled } of SHELLS)
  if (!isInstalled)
    console.warn(`${shell} or script of util-linux is not installed. Its test of completion is skipped.`);

for (const { shell, start, ready, isInstalled } of SHELLS)
  test.skipIf(!isInstalled)(`${shell} completes commands, options, choices and files`, async () => {
    const files = temporaryFiles();
    const script = files.write('completion', (await runInProcess(['completion', shell])).stdout);
    files.write('ops.key', 'x');
    const terminal = startOnTerminal(start, { HOME: files.path('.') });
    terminal.type(`${ready}; source ${script}; cd ${files.path('.')}; printf 'is %s\\n' ready\n`);
    await terminal.shows(/is ready\s[\s\S]*ready> /);
    for (const [typed, completed] of [
      ['token-vault cont', 'ainment '],
      ['token-vault tenants susp', 'end '],
      ['token-vault keys rotate-r', 'oot '],
      ['token-vault tenants list --pa', 'ge-token '],
      ['token-vault import chatwoot --cloud us', '-gov '],
      ['token-vault completion z', 'sh '],
      ['token-vault tenants list --api-key-file op', 's.key '],
      ['token-vault import jsonl op', 's.key '],
    ] as const) {
      terminal.type(`${typed}${TAB}`);
      await terminal.shows(new RegExp(typed + completed));
      terminal.type(DELETE_LINE);
    }
  });

test('another shell is refused, with the known ones', async () => {
  const { code, stderr } = await runInProcess(['completion', 'fish']);
  expect([code, stderr]).toEqual([64, expect.stringContaining('Allowed choices are bash, zsh')]);
});
