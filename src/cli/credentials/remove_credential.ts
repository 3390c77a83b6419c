import { CredentialSchema } from '../../gen/tokenvault/v1/credential_pb.ts';
import { callVault } from '../call_vault.ts';
import type { CommandStreams } from '../command_streams.ts';
import { confirm } from '../confirm.ts';
import type { OneFlags } from '../define_vault_command.ts';
import { EXIT } from '../exit_codes.ts';
import { printResult } from '../print_result.ts';
import { expiryText, stateText } from './format_credential.ts';

export interface RemoveFlags extends OneFlags {
  readonly force?: true;
  readonly yes?: true;
}

/** Removes a credential that is confirmed, and returns the exit code. */
export function removeCredential(name: string, flags: RemoveFlags, streams: CommandStreams): Promise<number> {
  const { force = false } = flags;
  const [app = '', id = ''] = name.split('/credentials/');
  return callVault(flags, async ({ apps }) => {
    const { app: found } = await apps.getApp({ name: app });
    const credential = found?.credentials.find((one) => one.name === name);
    if (credential !== undefined) {
      const facts = `${stateText(credential)}, expiry ${expiryText(credential)}`;
      await confirm({ action: `Removes ${name} (${facts}).`, id }, flags, streams);
    }
    await apps.removeCredential({ name, force });
    const text = () => [`${name} is removed. Delete it in the app registration, too.`];
    if (credential !== undefined) printResult({ schema: CredentialSchema, message: credential, text }, flags, streams);
    return EXIT.OK;
  });
}
