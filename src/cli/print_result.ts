import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import type { CommandStreams } from './command_streams.ts';
import type { OneFlags } from './define_vault_command.ts';
import { printable } from './error_text.ts';
import { messageJson } from './message_json.ts';

/** A message of the vault as lines of text or, with `--json`, as one JSON object. */
export function printResult<Schema extends DescMessage>(
  {
    schema,
    message,
    text,
  }: {
    readonly schema: Schema;
    readonly message: MessageShape<Schema>;
    readonly text: (message: MessageShape<Schema>) => readonly string[];
  },
  { json }: Pick<OneFlags, 'json'>,
  { stdout }: Pick<CommandStreams, 'stdout'>,
): void {
  stdout.write(`${json ? messageJson(schema, message) : text(message).map(printable).join('\n')}\n`);
}
