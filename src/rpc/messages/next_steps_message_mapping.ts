import type { MessageInitShape } from '@bufbuild/protobuf';
import type { NextStepsSchema } from '../../gen/tokenvault/v1/next_steps_pb.ts';
import type { ResourcePermissionsSchema } from '../../gen/tokenvault/v1/permission_pb.ts';
import type { PermissionsByResource } from '../../model/connection.ts';
import type { NextSteps } from '../../registry/app_setup_next_steps.ts';

export function toNextStepsMessage(nextSteps: NextSteps): MessageInitShape<typeof NextStepsSchema> {
  return {
    redirectUris: [...nextSteps.redirectUris],
    permissions: toPermissionMessages(nextSteps.permissions),
    adminConsentUri: nextSteps.adminConsentUri,
    steps: [...nextSteps.steps],
    warnings: [...nextSteps.warnings],
  };
}

export function toPermissionMessages(
  permissions: PermissionsByResource,
): MessageInitShape<typeof ResourcePermissionsSchema>[] {
  return Object.entries(permissions)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([resource, names]) => ({ resource, permissions: [...names].sort() }));
}
