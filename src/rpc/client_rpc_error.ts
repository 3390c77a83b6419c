import { fromBinary } from '@bufbuild/protobuf';
import { anyUnpack, durationMs } from '@bufbuild/protobuf/wkt';
import { Metadata, status } from '@grpc/grpc-js';
import { ErrorInfoSchema, RetryInfoSchema } from '../gen/google/rpc/error_details_pb.ts';
import { type Status, StatusSchema } from '../gen/google/rpc/status_pb.ts';
import type { Duration } from '../model/clock.ts';

/** A failed call, as a client sees it. */
export class RpcError extends Error {
  override readonly name = 'RpcError';
  /** `NOT_FOUND` */
  readonly code: string;
  /** Reason of the vault (`CONNECTION_NOT_FOUND`), or the code without one. */
  readonly reason: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** Retry delay, if the vault sent one. */
  readonly retryAfter: Duration | undefined;

  constructor(
    message: string,
    facts: Pick<RpcError, 'code' | 'reason' | 'metadata' | 'retryAfter'> & { readonly cause: unknown },
  ) {
    super(message, { cause: facts.cause });
    this.code = facts.code;
    this.reason = facts.reason;
    this.metadata = facts.metadata;
    this.retryAfter = facts.retryAfter;
  }
}

/** From a `ServiceError` of grpc-js and its `grpc-status-details-bin` (AIP-193). */
export function toRpcError(error: unknown): RpcError {
  const { code, details, metadata } = error as { code?: status; details?: string; metadata?: unknown };
  const name = (code === undefined ? undefined : status[code]) ?? 'UNKNOWN';
  const facts = readDetails(metadata);
  const message = details ?? (error instanceof Error ? error.message : 'The call failed');
  return new RpcError(message, {
    code: name,
    reason: facts?.info?.reason ?? name,
    metadata: facts?.info?.metadata ?? {},
    retryAfter: facts?.retry?.retryDelay === undefined ? undefined : durationMs(facts.retry.retryDelay),
    cause: error,
  });
}

function readDetails(metadata: unknown) {
  const bytes = metadata instanceof Metadata ? metadata.get('grpc-status-details-bin')[0] : undefined;
  if (!(bytes instanceof Uint8Array)) return undefined;
  let decoded: Status;
  try {
    decoded = fromBinary(StatusSchema, bytes);
  } catch {
    return undefined;
  }
  const unpack = <Schema extends typeof ErrorInfoSchema | typeof RetryInfoSchema>(schema: Schema) =>
    decoded.details.map((any) => anyUnpack(any, schema)).find((found) => found !== undefined);
  return { info: unpack(ErrorInfoSchema), retry: unpack(RetryInfoSchema) };
}
