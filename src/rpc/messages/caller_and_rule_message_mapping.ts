import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  type AccessRuleSchema,
  AccessRule_Effect as Effect,
  AccessRule_Excess as Excess,
  WhoAmIResponse_CredentialKind as Kind,
} from '../../gen/tokenvault/v1/access_service_pb.ts';
import type { Caller, Rule } from '../../model/authenticated_caller.ts';
import { toWireTime } from './field_value_conversion.ts';

const KINDS = {
  loopback: Kind.LOOPBACK,
  api_key: Kind.API_KEY,
  certificate: Kind.CERTIFICATE,
  token: Kind.TOKEN,
} as const;

export function toKindMessage(kind: Caller['kind']): Kind {
  return KINDS[kind];
}

export function toRuleMessage(rule: Rule): MessageInitShape<typeof AccessRuleSchema> {
  const {
    id,
    effect,
    role = '',
    actions,
    tenants,
    connections = '',
    ceiling,
    rate,
    notAfter,
    tenantLabels = {},
  } = rule;
  return {
    id,
    effect: Effect[effect],
    role,
    actions: [...actions],
    tenants: [...tenants],
    tenantLabels,
    connections,
    scopes: [...(ceiling?.scopes ?? [])],
    excess: ceiling === undefined ? Excess.UNSPECIFIED : Excess[ceiling.excess],
    notAfter: toWireTime(notAfter),
    ...(rate && { rate }),
  };
}
