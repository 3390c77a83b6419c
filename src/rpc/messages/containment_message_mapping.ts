import type { MessageInitShape } from '@bufbuild/protobuf';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import type { AwaitedReplica } from '../../containment/await_replicas.ts';
import type {
  ContainmentSchema,
  ContainmentSubjectSchema,
  ContainmentSubject as SubjectMessage,
} from '../../gen/tokenvault/v1/containment_pb.ts';
import type { ContainmentReplicaSchema } from '../../gen/tokenvault/v1/containment_service_pb.ts';
import type { ContainmentInEffect } from '../../model/contained_set.ts';
import { parseSubject, subjectOf } from '../../model/containment.ts';
import { fieldInvalid } from '../../model/errors.ts';
import { toWireTime } from './field_value_conversion.ts';

/** FIELD_INVALID. */
export function fromSubjectMessage(message: SubjectMessage | undefined): string {
  const { case: kind, value } = message?.subject ?? {};
  switch (kind) {
    case 'caller':
    case 'app':
    case 'tenant':
      return subjectOf({ kind, id: value as string });
    case 'directoryId':
      return subjectOf({ kind: 'directory', id: value as string });
    case 'all':
      if (value === true) return subjectOf({ kind, id: '' });
  }
  throw fieldInvalid('subject', 'must be one of caller, app, directory_id, tenant, or all (true)');
}

export function toContainmentMessage(containment: ContainmentInEffect): MessageInitShape<typeof ContainmentSchema> {
  const { subject, reason, caller, createTime, isLocal } = containment;
  return { subject: toSubjectMessage(subject), reason, caller, createTime: toWireTime(createTime), local: isLocal };
}

/** Without a value: the subject of a newer program. */
function toSubjectMessage(subject: string): MessageInitShape<typeof ContainmentSubjectSchema> {
  const parsed = parseSubject(subject);
  if (parsed === undefined) return {};
  switch (parsed.kind) {
    case 'all':
      return { subject: { case: 'all', value: true } };
    case 'directory':
      return { subject: { case: 'directoryId', value: parsed.id } };
    default:
      return { subject: { case: parsed.kind, value: parsed.id } };
  }
}

export function toReplicaMessages(
  replicas: readonly AwaitedReplica[] | undefined,
): MessageInitShape<typeof ContainmentReplicaSchema>[] {
  return (replicas ?? []).map(({ name, isApplied, heartbeatAge }) => ({
    name,
    applied: isApplied,
    heartbeatAge: durationFromMs(Math.round(heartbeatAge)),
  }));
}
