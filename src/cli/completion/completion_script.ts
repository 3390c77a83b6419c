import type { Command } from 'commander';
import { bashCompletion } from './bash_completion.ts';
import { commandTree } from './command_tree.ts';
import { zshCompletion } from './zsh_completion.ts';

const SCRIPTS = { bash: bashCompletion, zsh: zshCompletion };

export function completionScript(shell: keyof typeof SCRIPTS, program: Command): string {
  return SCRIPTS[shell](commandTree(program));
}
