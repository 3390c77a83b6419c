import { fromBinary } from '@bufbuild/protobuf';
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import { status } from '@grpc/grpc-js';
import { ErrorInfoSchema } from '../../src/gen/google/rpc/error_details_pb.ts';
import { type Status, StatusSchema } from '../../src/gen/google/rpc/status_pb.ts';
import { BatchGetAccessTokensResponseSchema } from '../../src/gen/tokenvault/v1/token_service_pb.ts';
import { REASONS, type Reason } from '../../src/model/errors.ts';
import type { FuzzedRequest } from './fuzzed_request.ts';
import { type GrpcResponse, NO_RESPONSE } from './grpc_call.ts';
import { hasReasons, isServed } from './grpc_services.ts';

/** Reasons for which a request is never the cause. */
const NEVER: readonly Reason[] = [
  ...(['INTERNAL', 'RECORD_CORRUPT'] as const),
  ...(['DATABASE_UNAVAILABLE', 'KEY_SOURCE_UNAVAILABLE', 'AUDIT_UNAVAILABLE'] as const),
];
/** Of health and reflection. */
const PLAIN_CODES: readonly number[] = [status.INVALID_ARGUMENT, status.NOT_FOUND];
const ENDED_BY_CALLER: readonly number[] = [status.CANCELLED, status.DEADLINE_EXCEEDED];
/** What grpc-js answers to headers that it does not accept. */
const REFUSED_HEADERS: readonly number[] = [status.UNIMPLEMENTED, status.OUT_OF_RANGE, status.INVALID_ARGUMENT];

/** Bytes. grpc-js refuses longer messages. */
const MAX_REQUEST = 65_536;

/** The outcome for the statistics: OK, a reason, a code, or how the call ended. */
export function outcomeOf({ code, details, failure, httpStatus }: GrpcResponse): string {
  if (code === undefined) return failure ?? `HTTP ${httpStatus}`;
  return reasonOf(details) ?? status[code] ?? `code ${code}`;
}

/** What is wrong with a response, whatever the request was. */
export function faultOf(
  request: FuzzedRequest,
  sent: readonly Uint8Array[],
  response: GrpcResponse,
): string | undefined {
  const { method, listener, headers } = request;
  const { code, details, failure } = response;
  if (failure?.includes(NO_RESPONSE)) return 'the call hangs';
  if (code === undefined) {
    if (request.reading !== 'all' || headers.isOdd) return undefined;
    return 'the call ended without a status';
  }
  if (code === status.OK) return method.name === 'BatchGetAccessTokens' ? faultOfBatch(response) : undefined;
  if (code === status.INTERNAL || code === status.UNKNOWN || code === status.DATA_LOSS) return 'the vault failed';
  if (!isServed(method, listener))
    return code === status.UNIMPLEMENTED ? undefined : 'the method exists on this listener';
  if (ENDED_BY_CALLER.includes(code) && 'grpc-timeout' in headers.values) return undefined;
  const reason = reasonOf(details);
  if (reason === undefined) {
    if (code === status.RESOURCE_EXHAUSTED && sent.some(({ length }) => length > MAX_REQUEST)) return undefined;
    if (headers.isOdd && REFUSED_HEADERS.includes(code)) return undefined;
    if (!hasReasons(method) && PLAIN_CODES.includes(code)) return undefined;
    return 'the error has no reason';
  }
  return NEVER.some((one) => one === reason) ? 'no request may cause this reason' : undefined;
}

/** What is wrong with a result of a batch. */
function faultOfBatch({ messages }: GrpcResponse): string | undefined {
  for (const message of messages) {
    for (const { result } of fromBinary(BatchGetAccessTokensResponseSchema, message).results) {
      if (result.case === 'token') continue;
      const reason = result.case === 'error' ? reasonIn(result.value) : undefined;
      if (reason === undefined) return 'a result is no token and has no reason';
      if (NEVER.some((one) => one === reason)) return 'no request may cause this reason of a result';
    }
  }
  return undefined;
}

function reasonOf(details: Buffer): string | undefined {
  return details.length === 0 ? undefined : reasonIn(fromBinary(StatusSchema, details));
}

function reasonIn({ details }: Status): string | undefined {
  const infos = details.map((any) => anyUnpack(any, ErrorInfoSchema));
  const info = infos.find((one) => one?.domain === 'tokenvault');
  return REASONS.find((reason) => reason === info?.reason);
}
