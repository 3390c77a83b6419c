import type { Command, Option } from 'commander';

/** What may follow the words of a command. */
export interface CompletedCommand {
  /** `token-vault tenants list` */
  readonly path: string;
  readonly words: readonly CompletedWord[];
  readonly options: readonly CompletedOption[];
}

export interface CompletedWord {
  readonly word: string;
  readonly description: string;
}

export interface CompletedOption extends CompletedWord {
  readonly takesValue: boolean;
  readonly choices: readonly string[];
}

/** Every command with its verbs or choices, and its options, as its help shows them. */
export function commandTree(command: Command, before = ''): readonly CompletedCommand[] {
  const path = `${before} ${command.name()}`.trim();
  const help = command.createHelp();
  const commands = help.visibleCommands(command).filter((child) => child.name() !== 'help');
  const choices = command.registeredArguments.flatMap(({ argChoices = [], description }) =>
    argChoices.map((word) => ({ word, description })),
  );
  const words = commands.map((child) => ({ word: child.name(), description: child.description() }));
  const options = help.visibleOptions(command).map(optionOf);
  return [{ path, words: [...words, ...choices], options }, ...commands.flatMap((child) => commandTree(child, path))];
}

function optionOf({ long, flags, description, required, optional, argChoices = [] }: Option): CompletedOption {
  return { word: long ?? flags, description, takesValue: required || optional, choices: argChoices };
}
