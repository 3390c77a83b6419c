import type { MessageInitShape } from '@bufbuild/protobuf';
import { type PermissionConsentSchema, UserConsent } from '../../gen/tokenvault/v1/permission_pb.ts';
import type { ConsentRule, PermissionConsent } from '../../scopes/consent_rule.ts';

const ON_THE_WIRE = {
  by_default: UserConsent.BY_DEFAULT,
  admin_by_default: UserConsent.ADMIN_BY_DEFAULT,
  admin_required: UserConsent.ADMIN_REQUIRED,
} as const satisfies Record<ConsentRule['userConsent'], UserConsent>;

export function toUserConsent(rule: ConsentRule | undefined): UserConsent {
  return rule === undefined ? UserConsent.UNSPECIFIED : ON_THE_WIRE[rule.userConsent];
}

export function toConsentMessage({
  permission,
  rule,
}: PermissionConsent): MessageInitShape<typeof PermissionConsentSchema> {
  return { permission, userConsent: toUserConsent(rule), source: rule?.source ?? '' };
}
