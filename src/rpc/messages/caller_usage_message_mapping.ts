import type { MessageInitShape } from '@bufbuild/protobuf';
import type { CallerUsageSchema } from '../../gen/tokenvault/v1/access_service_pb.ts';
import type { Caller } from '../../model/authenticated_caller.ts';
import type { CallerUsage } from '../../usage/usage_queries.ts';
import { toKindMessage } from './caller_and_rule_message_mapping.ts';
import { toWireTime } from './field_value_conversion.ts';

/** By id, each with its credentials. */
export function toCallerUsageMessages(
  known: readonly Caller[],
  usages: ReadonlyMap<string, CallerUsage>,
  isContained: (callerId: string) => boolean,
): MessageInitShape<typeof CallerUsageSchema>[] {
  const ids = [...new Set(known.map(({ id }) => id))].sort();
  return ids.map((id) => {
    const usage = usages.get(id);
    const credentials = known.filter((one) => one.id === id);
    return {
      caller: id,
      credentials: credentials.map(({ kind, credentialId, expireTime }) => ({
        credential: credentialId,
        kind: toKindMessage(kind),
        expireTime: toWireTime(expireTime),
        lastUseTime: toWireTime(usage?.credentials.get(credentialId)),
      })),
      lastUseTime: toWireTime(usage && Math.max(...usage.credentials.values())),
      tenants: usage?.tenants ?? 0,
      contained: isContained(id),
    };
  });
}
