import { type Command, InvalidArgumentError, Option } from 'commander';
import { CLI_ADDRESS, CLI_ADDRESS_FORM } from '../config/cli_settings.ts';

/** Adds the options of a command that calls the admin listener; they make a `VaultAccess`. */
export function addAccessOptions(command: Command): Command {
  for (const option of accessOptions()) command.addOption(option.helpGroup(HEADING));
  return command.addHelpText('after', '78 TOKENVAULT_CLI_… or cli.yaml is not valid');
}

const HEADING = 'Access to the vault (also TOKENVAULT_CLI_… and cli.yaml, docs/commands.md):';

function accessOptions(): readonly Option[] {
  return [
    new Option(
      '--address <address>',
      "the vault's admin listener: host:port or unix:/path (default: 127.0.0.1:50052)",
    ).argParser(addressOf),
    new Option('--api-key-file <file>', 'file with the API key or token of a caller'),
    new Option(
      '--ca-file <file>',
      "CA of the vault's certificate, PEM; enables TLS. Without it, TLS to another machine trusts Node's CAs",
    ),
    new Option('--plaintext', 'no TLS to another machine, if another layer encrypts, such as a service mesh'),
    new Option('--cert-file <file>', 'client certificate of a caller, PEM, with its intermediate CAs'),
    new Option('--key-file <file>', 'key of the client certificate, PEM'),
  ];
}

function addressOf(text: string): string {
  if (CLI_ADDRESS.test(text)) return text;
  throw new InvalidArgumentError(`Give ${CLI_ADDRESS_FORM}.`);
}
