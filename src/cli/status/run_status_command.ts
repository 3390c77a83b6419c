import { GetStatusResponseSchema } from '../../gen/tokenvault/v1/status_service_pb.ts';
import { RpcError } from '../../rpc/grpc_client.ts';
import type { VaultAccess } from '../admin_grpc_clients.ts';
import { callVault } from '../call_vault.ts';
import { messageOf } from '../error_text.ts';
import { CommandError, EXIT } from '../exit_codes.ts';
import { messageJson } from '../message_json.ts';
import { statusText } from './format_status.ts';

/** The parsed options. */
export interface StatusFlags extends VaultAccess {
  readonly json?: true;
}

/** Prints the state of a vault, and returns the exit code. */
export function printStatus(flags: StatusFlags): Promise<number> {
  return callVault(flags, async ({ status: service }) => {
    const status = await service.getStatus({}).catch(notReady);
    console.log(flags.json ? messageJson(GetStatusResponseSchema, status) : statusText(status, Date.now()));
    return status.ready ? EXIT.OK : EXIT.TEMPORARY_FAILURE;
  });
}

/** No response is sent without its audit entry. */
function notReady(error: unknown): never {
  if (error instanceof RpcError && error.reason === 'AUDIT_UNAVAILABLE')
    throw new CommandError(EXIT.TEMPORARY_FAILURE, `The vault is not ready. ${messageOf(error)} [${error.reason}]`);
  throw error;
}
