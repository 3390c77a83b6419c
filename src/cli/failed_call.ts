import { RpcError } from '../rpc/grpc_client.ts';
import { inCommandTerms } from './command_terms.ts';
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
      : `${inCommandTerms(messageOf(error))} [${error.reason}]${nextStep(error)}`;
  return new CommandError(exitCode, message);
}

const NEXT_STEPS: Readonly<Record<string, string>> = {
  TENANT_NOT_FOUND: '`token-vault tenants list` lists the tenants.',
  APP_NOT_FOUND: '`token-vault apps list` lists the apps.',
  CREDENTIAL_NOT_FOUND: '`token-vault credentials list` lists the credentials.',
  CONNECTION_NOT_FOUND: '`token-vault connections list` lists the connections.',
  CONTAINED: '`token-vault containment list` lists what is contained, and why.',
  UNAUTHENTICATED:
    "Give the file with a valid API key with --api-key-file, or in cli.yaml (docs/commands.md). --api-key-file '' sends none.",
};

/** An error that is not of the vault has no next step. */
function nextStep({ code, reason }: RpcError): string {
  const step = NEXT_STEPS[reason] ?? (reason === code ? undefined : `docs/runbook.md says what to do about ${reason}.`);
  return step === undefined ? '' : `\n${step}`;
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
