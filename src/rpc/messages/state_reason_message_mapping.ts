import type { MessageInitShape } from '@bufbuild/protobuf';
import type { StateReasonSchema } from '../../gen/tokenvault/v1/app_pb.ts';
import { ErrorReason } from '../../gen/tokenvault/v1/error_reason_pb.ts';
import type { Reason } from '../../model/errors.ts';
import type { StateReason } from '../../model/state_reason.ts';
import { toWireTime } from './field_value_conversion.ts';

export function toReasonMessage(reason: Reason | undefined): ErrorReason {
  return reason === undefined ? ErrorReason.UNSPECIFIED : ErrorReason[reason];
}

export function toStateReasonMessage(
  evidence: StateReason | undefined,
): MessageInitShape<typeof StateReasonSchema> | undefined {
  if (evidence === undefined) return undefined;
  return {
    reason: toReasonMessage(evidence.reason),
    entraError: evidence.entraError ?? '',
    correlationId: evidence.correlationId ?? '',
    time: toWireTime(evidence.time),
  };
}
