import { create, toBinary } from '@bufbuild/protobuf';
import { anyPack, durationFromMs } from '@bufbuild/protobuf/wkt';
import { Metadata, type StatusObject, status } from '@grpc/grpc-js';
import { ErrorInfoSchema, RetryInfoSchema } from './gen/google/rpc/error_details_pb.ts';
import { StatusSchema } from './gen/google/rpc/status_pb.ts';
import type { StatusCode } from './token_vault_error.ts';

/** How calls to a fake vault fail. */
export interface FakeFailure {
  readonly code: StatusCode;
  /** As in `error_reason.proto`: `REAUTHORIZATION_REQUIRED`. */
  readonly reason: string;
  readonly message?: string | undefined;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  /** Milliseconds, for RetryInfo. */
  readonly retryAfter?: number | undefined;
  /** How many calls fail. Default: all, until `recover`. */
  readonly times?: number | undefined;
}

/** The status of a failed call, with the details that the vault sends (AIP-193). */
export function toFakeStatus(failure: FakeFailure): StatusObject {
  const { code, message, details } = toFakeResult(failure);
  const trailers = new Metadata();
  const bytes = toBinary(StatusSchema, create(StatusSchema, { code, message, details }));
  trailers.set('grpc-status-details-bin', Buffer.from(bytes));
  return { code, details: message, metadata: trailers };
}

/** The `google.rpc.Status` of one request of a batch. */
export function toFakeResult({ code, reason, message, metadata = {}, retryAfter }: FakeFailure) {
  const info = create(ErrorInfoSchema, { domain: 'tokenvault', reason, metadata: { ...metadata } });
  const details = [anyPack(ErrorInfoSchema, info)];
  if (retryAfter !== undefined)
    details.push(anyPack(RetryInfoSchema, create(RetryInfoSchema, { retryDelay: durationFromMs(retryAfter) })));
  return { code: status[code], message: message ?? `The fake vault fails [${reason}]`, details };
}
