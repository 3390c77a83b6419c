import { ConnectionSchema } from '../../gen/tokenvault/v1/connection_pb.ts';
import { callVault } from '../call_vault.ts';
import type { CommandStreams } from '../command_streams.ts';
import { confirm } from '../confirm.ts';
import type { OneFlags } from '../define_vault_command.ts';
import { EXIT } from '../exit_codes.ts';
import { printResult } from '../print_result.ts';

export interface DeleteFlags extends OneFlags {
  readonly yes?: true;
}

/** Deletes a connection that is confirmed, and returns the exit code. */
export function deleteConnection(name: string, flags: DeleteFlags, streams: CommandStreams): Promise<number> {
  return callVault(flags, async ({ connections }) => {
    const { connection } = await connections.getConnection({ name });
    const [, id = ''] = name.split('/connections/');
    await confirm({ action: `Deletes ${name} with its refresh token.`, id }, flags, streams);
    await connections.deleteConnection({ name, etag: connection?.etag ?? '' });
    const text = () => [`${name} is deleted. Nothing is revoked in Entra.`];
    if (connection !== undefined) printResult({ schema: ConnectionSchema, message: connection, text }, flags, streams);
    return EXIT.OK;
  });
}
