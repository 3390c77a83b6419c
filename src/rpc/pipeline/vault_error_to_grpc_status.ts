import { create, toBinary } from '@bufbuild/protobuf';
import { anyPack } from '@bufbuild/protobuf/wkt';
import { Metadata, type StatusObject, status } from '@grpc/grpc-js';
import { ErrorInfoSchema, RetryInfoSchema } from '../../gen/google/rpc/error_details_pb.ts';
import { StatusSchema } from '../../gen/google/rpc/status_pb.ts';
import { type Reason, VaultError } from '../../model/errors.ts';
import type { Call } from './call_context.ts';

/** The gRPC status of each reason (2-api, "Errors"). Clients retry only UNAVAILABLE and RESOURCE_EXHAUSTED. */
export const STATUS = {
  CONNECTION_PENDING: status.FAILED_PRECONDITION,
  REAUTHORIZATION_REQUIRED: status.FAILED_PRECONDITION,
  CONSENT_REQUIRED: status.FAILED_PRECONDITION,
  SCOPE_NOT_GRANTED: status.FAILED_PRECONDITION,
  ADMIN_CONSENT_REQUIRED: status.FAILED_PRECONDITION,
  BLOCKED_BY_POLICY: status.FAILED_PRECONDITION,
  ACCOUNT_DISABLED: status.FAILED_PRECONDITION,
  DIRECTORY_NOT_ALLOWED: status.FAILED_PRECONDITION,
  APP_CREDENTIAL_REJECTED: status.FAILED_PRECONDITION,
  APP_CREDENTIAL_EXPIRED: status.FAILED_PRECONDITION,
  APP_MISCONFIGURED: status.FAILED_PRECONDITION,
  APP_IN_USE: status.FAILED_PRECONDITION,
  TENANT_NOT_EMPTY: status.FAILED_PRECONDITION,
  TENANT_SUSPENDED: status.FAILED_PRECONDITION,
  APP_SUSPENDED: status.FAILED_PRECONDITION,
  CONNECTION_SUSPENDED: status.FAILED_PRECONDITION,
  CONTAINED: status.FAILED_PRECONDITION,
  ROOT_KEY_MISSING: status.FAILED_PRECONDITION,
  ACCOUNT_MISMATCH: status.FAILED_PRECONDITION,
  AUTHORIZATION_DECLINED: status.FAILED_PRECONDITION,
  NO_REFRESH_TOKEN: status.FAILED_PRECONDITION,
  REFRESH_TOKEN_REJECTED: status.FAILED_PRECONDITION,
  SCOPE_UNKNOWN: status.INVALID_ARGUMENT,
  SCOPES_SPAN_RESOURCES: status.INVALID_ARGUMENT,
  NAME_INVALID: status.INVALID_ARGUMENT,
  FIELD_INVALID: status.INVALID_ARGUMENT,
  STATE_INVALID: status.INVALID_ARGUMENT,
  TTL_UNATTAINABLE: status.INVALID_ARGUMENT,
  TENANT_NOT_FOUND: status.NOT_FOUND,
  APP_NOT_FOUND: status.NOT_FOUND,
  CONNECTION_NOT_FOUND: status.NOT_FOUND,
  CREDENTIAL_NOT_FOUND: status.NOT_FOUND,
  TENANT_EXISTS: status.ALREADY_EXISTS,
  APP_EXISTS: status.ALREADY_EXISTS,
  CONNECTION_EXISTS: status.ALREADY_EXISTS,
  CREDENTIAL_EXISTS: status.ALREADY_EXISTS,
  ETAG_MISMATCH: status.ABORTED,
  UNAUTHENTICATED: status.UNAUTHENTICATED,
  ACCESS_DENIED: status.PERMISSION_DENIED,
  SCOPE_ABOVE_CEILING: status.PERMISSION_DENIED,
  ENTRA_UNAVAILABLE: status.UNAVAILABLE,
  ENTRA_THROTTLED: status.UNAVAILABLE,
  APP_CREDENTIAL_PROPAGATING: status.UNAVAILABLE,
  DATABASE_UNAVAILABLE: status.UNAVAILABLE,
  KEY_SOURCE_UNAVAILABLE: status.UNAVAILABLE,
  AUDIT_UNAVAILABLE: status.UNAVAILABLE,
  OVERLOADED: status.RESOURCE_EXHAUSTED,
  RATE_LIMITED: status.RESOURCE_EXHAUSTED,
  RECORD_CORRUPT: status.DATA_LOSS,
  INTERNAL: status.INTERNAL,
} as const satisfies Record<Reason, status>;

/** Retry delay of errors without one. */
const DEFAULT_RETRY_AFTER = 1_000;

const DETAILS = 'grpc-status-details-bin';

export const RETRYABLE = new Set<status>([status.UNAVAILABLE, status.RESOURCE_EXHAUSTED]);

/**
 * Bytes. gRPC limits trailers to 8 KiB in total, and the message is sent twice: percent-encoded, and in the details.
 */
const MAX_MESSAGE = 800;
/** Fits an admin-consent URL, which must not be cut. */
const MAX_VALUE = 1_024;
const MAX_METADATA = 2_048;

/** Of refusals, whose errors are often the same object (`call_rates.ts`), so that a flood of calls costs no encoding. */
const statuses = new WeakMap<VaultError, StatusObject>();

/** The status of an error. grpc-js copies its metadata. */
export function toStatus(error: VaultError): StatusObject {
  if (STATUS[error.reason] !== status.RESOURCE_EXHAUSTED) return encodeStatus(error);
  let encoded = statuses.get(error);
  if (encoded === undefined) {
    encoded = encodeStatus(error);
    statuses.set(error, encoded);
  }
  return encoded;
}

/**
 * A gRPC status with `google.rpc.ErrorInfo`, and with `RetryInfo` for retryable errors (AIP-193, AIP-194; the trailer
 * `grpc-retry-pushback-ms` is from gRFC A6). The message ends with the reason, because some clients do not show
 * details.
 */
function encodeStatus(error: VaultError): StatusObject {
  const code = STATUS[error.reason];
  const message = `${clip(error.message, MAX_MESSAGE)} [${error.reason}]`;
  const details = [
    anyPack(
      ErrorInfoSchema,
      create(ErrorInfoSchema, { reason: error.reason, domain: 'tokenvault', metadata: wellFormed(error.metadata) }),
    ),
  ];
  const metadata = new Metadata();
  if (RETRYABLE.has(code)) {
    const wait = Math.max(1, Math.ceil(error.retryAfter ?? DEFAULT_RETRY_AFTER));
    const retryDelay = { seconds: BigInt(Math.floor(wait / 1_000)), nanos: (wait % 1_000) * 1_000_000 };
    details.push(anyPack(RetryInfoSchema, create(RetryInfoSchema, { retryDelay })));
    metadata.set('grpc-retry-pushback-ms', String(wait));
  }
  const body = toBinary(StatusSchema, create(StatusSchema, { code, message, details }));
  metadata.set(DETAILS, Buffer.from(body));
  return { code, details: message, metadata };
}

/** The `google.rpc.Status` in a status of `toStatus`, encoded. */
export function encodedStatus({ metadata }: Pick<StatusObject, 'metadata'>): Uint8Array {
  return metadata.get(DETAILS)[0] as Buffer;
}

/** Errors with these codes name a resource of the vault in their metadata, as `resource`. */
const NAMES_RESOURCE = new Set<status>([
  status.FAILED_PRECONDITION,
  status.NOT_FOUND,
  status.ALREADY_EXISTS,
  status.ABORTED,
  status.UNAVAILABLE,
]);

/**
 * The error of a call. Metadata that the source of the error does not know is added from the call, so that a reason has
 * the same keys in every method. An unexpected error becomes INTERNAL with a fixed text; its cause is only for the log.
 */
export function toVaultError(
  error: unknown,
  { requestId, resource, caller }: Pick<Call, 'requestId' | 'resource' | 'caller'>,
): VaultError {
  const message = `Unexpected error inside the vault. Search its log for request ${requestId}.`;
  const known = error instanceof VaultError ? error : new VaultError('INTERNAL', message, { cause: error });
  const { reason, metadata, retryAfter, hint, cause } = known;
  const added =
    reason === 'INTERNAL'
      ? { request: requestId }
      : reason === 'ACCESS_DENIED'
        ? { caller: caller.id }
        : NAMES_RESOURCE.has(STATUS[reason]) && resource !== ''
          ? { resource: reason.startsWith('TENANT_') ? tenantOf(resource) : resource }
          : undefined;
  if (added === undefined) return known;
  return new VaultError(reason, known.message, { metadata: { ...added, ...metadata }, retryAfter, hint, cause });
}

function tenantOf(resource: string): string {
  return resource.split('/', 2).join('/');
}

/** The first entries that fit, as well-formed Unicode. */
function wellFormed(metadata: Readonly<Record<string, string>>): Record<string, string> {
  const kept: Record<string, string> = {};
  let size = 0;
  for (const [key, value] of Object.entries(metadata)) {
    const fact = [clip(key, MAX_VALUE), clip(String(value), MAX_VALUE)] as const;
    size += Buffer.byteLength(fact[0]) + Buffer.byteLength(fact[1]);
    if (size > MAX_METADATA) break;
    kept[fact[0]] = fact[1];
  }
  return kept;
}

/** `longest` in bytes of UTF-8. A lone surrogate, which cutting can leave, would make the encoders throw. */
function clip(text: string, longest: number): string {
  const bytes = Buffer.from(text);
  return bytes.length <= longest ? text.toWellFormed() : `${bytes.subarray(0, longest - 3).toString()}…`;
}
