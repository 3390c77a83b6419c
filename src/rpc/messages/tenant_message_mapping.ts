import type { MessageInitShape } from '@bufbuild/protobuf';
import { Tenant_State, type TenantSchema } from '../../gen/tokenvault/v1/tenant_pb.ts';
import { isNever } from '../../model/app_credential.ts';
import { etagOf } from '../../model/etag.ts';
import { type Tenant, tenantName } from '../../model/tenant.ts';
import { toWireTime } from './field_value_conversion.ts';

export function toTenantMessage(tenant: Tenant): MessageInitShape<typeof TenantSchema> {
  const { nextCredentialExpireTime: end } = tenant;
  return {
    name: tenantName(tenant.tenantId),
    uid: tenant.uid,
    displayName: tenant.displayName,
    labels: { ...tenant.labels },
    state: Tenant_State[tenant.state],
    catalog: tenant.catalog,
    allowedDirectoryIds: [...tenant.allowedDirectoryIds],
    createTime: toWireTime(tenant.createTime),
    updateTime: toWireTime(tenant.updateTime),
    expiryThresholdsDays: [...(tenant.expiryThresholds ?? [])],
    // The earliest of all: if it is "never", so are the others.
    nextCredentialExpireTime: toWireTime(end === undefined || isNever(end) ? undefined : end),
    etag: etagOf(tenant),
  };
}
