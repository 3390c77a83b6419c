import { InvalidArgumentError, Option } from 'commander';

/** Of each command that is a client of the admin listener: what `VaultAccess` is made of. */
export function accessOptions(): readonly Option[] {
  return [
    new Option('--address <address>', "the vault's admin listener: host:port or unix:/path")
      .argParser(addressOf)
      .default('127.0.0.1:50052'),
    new Option('--api-key-file <file>', 'holds the API key of a caller with the role operator'),
    new Option(
      '--ca-file <file>',
      "the authority of the vault's certificate, PEM; means TLS. Without it, TLS beyond this machine trusts Node's authorities",
    ),
    new Option('--plaintext', 'no TLS beyond this machine, where something else encrypts, such as a mesh'),
    new Option('--cert-file <file>', 'certificate of a client, PEM, where the vault asks for one'),
    new Option('--key-file <file>', 'its key, PEM'),
  ];
}

function addressOf(text: string): string {
  if (/^(unix:.+|[^/\s]+:\d{1,5})$/.test(text)) return text;
  throw new InvalidArgumentError('It is host:port, such as 127.0.0.1:50052, without http://; or unix:/path.');
}
