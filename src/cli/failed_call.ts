import { RpcError } from '../rpc/grpc_client.ts';
import { messageOf } from './error_text.ts';
import { CommandError, EXIT } from './exit_codes.ts';
import { RetriesExhausted } from './import/retry_vault_calls.ts';

/** The error of a call to the admin listener, with the exit code for the command. */
export function failedCall(error: unknown): unknown {
  if (error instanceof RetriesExhausted) return failedCall(error.last);
  if (!(error instanceof RpcError)) return error;
  const exitCode = EXIT_CODES[error.code] ?? EXIT.DATA;
  const message =
    error.code === 'UNIMPLEMENTED'
      ? 'The server does not have this method. Give the admin listener of the vault with --address, or upgrade the vault.'
      : `${messageOf(error)} [${error.reason}]`;
  return new CommandError(exitCode, message);
}

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
