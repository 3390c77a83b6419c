import { type Command, InvalidArgumentError } from 'commander';
import type { VaultAccess } from './admin_grpc_clients.ts';
import { helpNotes } from './help_notes.ts';
import { addAccessOptions } from './vault_access_options.ts';

export interface CommandText {
  readonly description: string;
  /** What `--json` prints. */
  readonly json: string;
  /** Notes and exit codes below the options. */
  readonly notes: string;
}

/** The options of a command that shows or changes one resource. */
export interface OneFlags extends VaultAccess {
  readonly json?: true;
}

/** A command on a running vault. Its options of access have a heading of their own. */
export function defineVaultCommand(parent: Command, name: string, { description, json, notes }: CommandText): Command {
  const command = parent
    .command(name)
    .description(description)
    .option('--json', json)
    .addHelpText('after', helpNotes(notes))
    .showHelpAfterError('Add --help for the arguments and options.');
  return addAccessOptions(command);
}

/** A command that prints pages. */
export function defineListCommand(parent: Command, name: string, text: Omit<CommandText, 'json'>): Command {
  return defineVaultCommand(parent, name, { ...text, json: 'print one JSON object in each line' })
    .option('--limit <count>', 'print at most so many, and how to continue', countOf)
    .option('--page-token <token>', 'continue a list that ended early');
}

function countOf(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Give a whole number from 1 on.');
}
