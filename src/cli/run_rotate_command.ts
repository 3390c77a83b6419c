import { RpcError } from '../rpc/grpc_client.ts';
import { openAdminClients, type VaultAccess } from './admin_grpc_clients.ts';
import { messageOf } from './error_text.ts';
import { CommandError, EXIT } from './exit_codes.ts';
import { rotationJson, rotationText } from './format_rotation_output.ts';

/** The parsed options. */
export interface RotateFlags extends VaultAccess {
  readonly dryRun?: true;
  readonly json?: true;
}

/** Starts the renewal of an app's client secret, prints the plan, and returns the exit code. */
export async function rotateCredential(app: string, flags: RotateFlags): Promise<number> {
  const { dryRun = false, json = false } = flags;
  const clients = await openAdminClients(flags);
  try {
    const answer = await clients.apps.rotateCredential({ name: app, validateOnly: dryRun });
    console.log(json ? rotationJson(answer, { app, dryRun }) : rotationText(answer, { app, dryRun }));
    return answer.blockers.length > 0 ? EXIT.DATA : EXIT.OK;
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    const exitCode = EXIT_CODES[error.code] ?? EXIT.DATA;
    const message = error.code === 'UNIMPLEMENTED' ? NOT_ADMIN : `${messageOf(error)} [${error.reason}]`;
    throw new CommandError(exitCode, message);
  } finally {
    clients.close();
  }
}

const NOT_ADMIN = 'The server has no RotateCredential. Give the admin listener of the vault with --address.';

/** By the gRPC code of an error; other errors are DATA. */
const EXIT_CODES: Readonly<Record<string, number>> = {
  UNAUTHENTICATED: EXIT.NO_PERMISSION,
  PERMISSION_DENIED: EXIT.NO_PERMISSION,
  UNAVAILABLE: EXIT.UNAVAILABLE,
  DEADLINE_EXCEEDED: EXIT.UNAVAILABLE,
  RESOURCE_EXHAUSTED: EXIT.UNAVAILABLE,
  CANCELLED: EXIT.UNAVAILABLE,
  UNIMPLEMENTED: EXIT.USAGE,
  INTERNAL: EXIT.SOFTWARE,
  UNKNOWN: EXIT.SOFTWARE,
};
