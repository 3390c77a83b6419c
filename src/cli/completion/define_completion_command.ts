import { Argument, type Command } from 'commander';
import type { CommandStreams } from '../command_streams.ts';
import { helpNotes } from '../help_notes.ts';

/** The arguments of the completion command. The modules that do the work are loaded when it runs. */
export function addCompletionCommand(program: Command, { stdout }: Pick<CommandStreams, 'stdout'>): void {
  program
    .command('completion')
    .description('print a script that completes commands and options in a shell')
    .addArgument(new Argument('<shell>', 'the shell').choices(['bash', 'zsh']))
    .addHelpText('after', helpNotes(NOTES))
    .showHelpAfterError('Add --help for the arguments.')
    .action(async (shell: 'bash' | 'zsh') => {
      const { completionScript } = await import('./completion_script.ts');
      stdout.write(`${completionScript(shell, program)}\n`);
    });
}

const NOTES = `
In ~/.bashrc: source <(token-vault completion bash)

In ~/.zshrc, after compinit: source <(token-vault completion zsh)

Exit codes: 0 printed · 64 usage`;
