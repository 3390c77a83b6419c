import { fromBinary } from '@bufbuild/protobuf';
import { anyUnpack, durationMs } from '@bufbuild/protobuf/wkt';
import { Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { type ErrorInfo, ErrorInfoSchema, type RetryInfo, RetryInfoSchema } from './gen/google/rpc/error_details_pb.ts';
import { type Status, StatusSchema } from './gen/google/rpc/status_pb.ts';
import { type StatusCode, TokenVaultError } from './token_vault_error.ts';

/** From an error of grpc-js and its `grpc-status-details-bin` (AIP-193). */
export function toTokenVaultError(error: ServiceError): TokenVaultError {
  const code = (status[error.code] ?? 'UNKNOWN') as StatusCode;
  const { info, retry } = readDetails(error.metadata);
  if (info === undefined) return withoutAnswer(code, error);
  return answered(error.details, code, { info, retry }, error);
}

/** From the status of one request of a batch. */
export function statusToError(error: Status): TokenVaultError {
  const code = (status[error.code] ?? 'UNKNOWN') as StatusCode;
  const { info, retry } = unpackDetails(error);
  if (info === undefined) return new TokenVaultError(error.message, { code, reason: code });
  return answered(error.message, code, { info, retry });
}

function answered(
  message: string,
  code: StatusCode,
  { info, retry }: { readonly info: ErrorInfo; readonly retry?: RetryInfo | undefined },
  cause?: ServiceError,
): TokenVaultError {
  const retryAfter = retry?.retryDelay === undefined ? undefined : durationMs(retry.retryDelay);
  return new TokenVaultError(message, { code, reason: info.reason, metadata: info.metadata, retryAfter, cause });
}

/** A call without an answer of the vault. A connection that breaks off is reported as INTERNAL or CANCELLED, too. */
function withoutAnswer(code: StatusCode, cause: ServiceError): TokenVaultError {
  const facts = { whoActs: 'none', cause } as const;
  switch (code) {
    case 'UNAVAILABLE':
      return new TokenVaultError(
        `Token Vault cannot be reached: ${cause.details}. Check the address, and whether the vault runs.`,
        { ...facts, code, reason: 'VAULT_UNREACHABLE' },
      );
    case 'INTERNAL':
    case 'CANCELLED':
      return new TokenVaultError(`The connection to Token Vault broke off: ${cause.details}. Call again.`, {
        ...facts,
        code: 'UNAVAILABLE',
        reason: 'CONNECTION_LOST',
      });
    case 'DEADLINE_EXCEEDED':
      return new TokenVaultError(
        'Token Vault did not answer before the deadline. Call again, or set a longer timeout.',
        {
          ...facts,
          code,
          reason: code,
        },
      );
    default:
      return new TokenVaultError(cause.details, { code, reason: code, cause });
  }
}

interface Details {
  readonly info?: ErrorInfo | undefined;
  readonly retry?: RetryInfo | undefined;
}

function readDetails(metadata: unknown): Details {
  const bytes = metadata instanceof Metadata ? metadata.get('grpc-status-details-bin')[0] : undefined;
  if (!(bytes instanceof Uint8Array)) return {};
  try {
    return unpackDetails(fromBinary(StatusSchema, bytes));
  } catch {
    return {};
  }
}

function unpackDetails({ details }: Status): Details {
  const unpack = <Schema extends typeof ErrorInfoSchema | typeof RetryInfoSchema>(schema: Schema) =>
    details.map((any) => anyUnpack(any, schema)).find((found) => found !== undefined);
  return { info: unpack(ErrorInfoSchema), retry: unpack(RetryInfoSchema) };
}
