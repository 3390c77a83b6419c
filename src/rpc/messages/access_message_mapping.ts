import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  type AccessRuleSchema,
  AccessRule_Effect as Effect,
  AccessRule_Excess as Excess,
} from '../../gen/tokenvault/v1/access_service_pb.ts';
import type { Rule } from '../../model/authenticated_caller.ts';
import { toWireTime } from './field_value_conversion.ts';

export function toRuleMessage(rule: Rule): MessageInitShape<typeof AccessRuleSchema> {
  const { id, effect, role = '', actions, tenants, connections = '', ceiling, rate, notAfter } = rule;
  return {
    id,
    effect: Effect[effect],
    role,
    actions: [...actions],
    tenants: [...tenants],
    connections,
    scopes: [...(ceiling?.scopes ?? [])],
    excess: ceiling === undefined ? Excess.UNSPECIFIED : Excess[ceiling.excess],
    notAfter: toWireTime(notAfter),
    ...(rate && { rate }),
  };
}
