import { InvalidArgumentError, Option } from 'commander';

/** Options of the commands that call the admin listener; they make a `VaultAccess`. */
export function accessOptions(): readonly Option[] {
  return [
    new Option('--address <address>', "the vault's admin listener: host:port or unix:/path")
      .argParser(addressOf)
      .default('127.0.0.1:50052'),
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
  if (/^(unix:.+|[^/\s]+:\d{1,5})$/.test(text)) return text;
  throw new InvalidArgumentError('Give host:port without http://, such as 127.0.0.1:50052, or unix:/path.');
}
