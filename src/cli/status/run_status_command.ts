import { RpcError } from '../../rpc/grpc_client.ts';
import { openAdminClients, type VaultAccess } from '../admin_grpc_clients.ts';
import { messageOf } from '../error_text.ts';
import { CommandError, EXIT } from '../exit_codes.ts';
import { failedCall } from '../failed_call.ts';
import { statusJson, statusText } from './format_status.ts';

/** The parsed options. */
export interface StatusFlags extends VaultAccess {
  readonly json?: true;
}

/** Prints the state of a vault, and returns the exit code. */
export async function printStatus(flags: StatusFlags): Promise<number> {
  const clients = await openAdminClients(flags);
  try {
    const status = await clients.status.getStatus({});
    console.log(flags.json ? statusJson(status) : statusText(status, Date.now()));
    return status.ready ? EXIT.OK : EXIT.TEMPORARY_FAILURE;
  } catch (error) {
    // No response is sent without its audit entry.
    if (error instanceof RpcError && error.reason === 'AUDIT_UNAVAILABLE')
      throw new CommandError(EXIT.TEMPORARY_FAILURE, `The vault is not ready. ${messageOf(error)} [${error.reason}]`);
    throw failedCall(error, 'GetStatus');
  } finally {
    clients.close();
  }
}
