import type { MessageInitShape } from '@bufbuild/protobuf';
import type { ResourcePermissionsSchema } from '../../gen/tokenvault/v1/permission_pb.ts';
import type { PermissionsByResource } from '../../model/connection.ts';

export function toPermissionMessages(
  permissions: PermissionsByResource,
): MessageInitShape<typeof ResourcePermissionsSchema>[] {
  return Object.entries(permissions)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([resource, names]) => ({ resource, permissions: [...names].sort() }));
}
