import { readConfig } from '../../config/read_config_from_environment.ts';
import { parseKeySource } from '../../keyring/create_root_key_source.ts';
import { createKekFile } from '../../keyring/file_root_key_source.ts';
import { createWrappedKeyFile } from '../../keyring/keyvault_key_source.ts';
import { printable } from '../error_text.ts';
import { CommandError, EXIT } from '../exit_codes.ts';

/** The parsed options. */
export interface CreateKeyFlags {
  readonly to?: string;
}

/** Creates the file of a new root key, as the key source needs it. */
export async function createRootKey({ to }: CreateKeyFlags): Promise<number> {
  const source = parseKeySource(readConfig().keySource);
  if (source.kind === 'keyvault-secret') {
    throw new CommandError(
      EXIT.USAGE,
      'With a key source keyvault-secret: no file has the root key. Set a new version of the secret instead.',
    );
  }
  const path = to ?? source.path;
  if (source.kind === 'file') await createKekFile(path);
  else await createWrappedKeyFile({ url: source.url, path });
  process.stdout.write(`Created ${printable(path)}. Keep a copy of it apart from the backups of the database.\n`);
  return EXIT.OK;
}
