import type { Command } from 'commander';
import type { CommandStreams } from '../command_streams.ts';
import { defineListCommand, defineVaultCommand, type OneFlags } from '../define_vault_command.ts';
import { resourceIdOf, tenantNameOf } from '../resource_names.ts';
import type { DeadLetterFlags, EventFlags } from './run_event_commands.ts';

/** The arguments of `token-vault events …`. The modules that do the work are loaded when a command runs. */
export function addEventCommands(program: Command, streams: CommandStreams): void {
  const events = program.command('events').description('published events, and deliveries that failed (docs/events.md)');

  defineVaultCommand(events, 'list', {
    description: 'list the events of the last 30 days, oldest first',
    json: 'print one JSON object in each line: the event, and the cursor after it',
    notes: LIST_NOTES,
  })
    .option('--tenant <tenant>', 'of one tenant; default: of all that the caller may access', tenantNameOf)
    .option('--type <type...>', 'only these types; one that ends with a dot is a prefix: credential.')
    .option('--after <cursor>', 'only those after this cursor')
    .option('--follow', 'then print new events as they happen, until the command is interrupted')
    .action(async (flags: EventFlags) => {
      const { listEvents } = await import('./run_event_commands.ts');
      process.exitCode = await listEvents(flags, streams);
    });

  defineListCommand(events, 'dead-letters', {
    description: 'list deliveries to webhooks that the vault gave up after 3 days',
    notes: DEAD_LETTER_NOTES,
  })
    .option('--sink <id>', 'of this sink; default: of all', resourceIdOf)
    .action(async (flags: DeadLetterFlags) => {
      const { listDeadLetters } = await import('./run_event_commands.ts');
      process.exitCode = await listDeadLetters(flags, streams);
    });

  defineVaultCommand(events, 'redeliver', {
    description: 'deliver all dead letters of a sink again',
    json: 'print the response of EventService.RedeliverDeadLetters, one JSON object',
    notes: REDELIVER_NOTES,
  })
    .argument('<sink>', 'id of the sink in TOKENVAULT_SINKS_FILE', resourceIdOf)
    .action(async (sink: string, flags: OneFlags) => {
      const { redeliver } = await import('./run_event_commands.ts');
      process.exitCode = await redeliver(sink, flags, streams);
    });
}

const LIST_NOTES = `
Without --type, all but connection.changed. An interrupted list says with which --after
it continues.

Exit codes: 0 listed · 64 usage · 65 the vault refuses it · 66 a file cannot be read
69 the vault does not answer · 77 the API key is missing, unknown or not an operator's
130, 143 interrupted`;

const DEAD_LETTER_NOTES = `
Exit codes: 0 listed · 64 usage · 65 the vault refuses it · 66 a file cannot be read
69 the vault does not answer
77 the API key is missing, unknown or not an operator's for all tenants
130, 143 interrupted`;

const REDELIVER_NOTES = `
Exit codes: 0 pending again · 64 usage · 65 there is no such sink · 66 a file cannot be
read · 69 the vault does not answer
77 the API key is missing, unknown or not an operator's for all tenants`;
