import type {
  AppRegistration as AppRegistrationMessage,
  RegisterTenantRequest,
  TenantService,
} from '../../gen/tokenvault/v1/tenant_service_pb.ts';
import type { Clock } from '../../model/clock.ts';
import type { Tenants } from '../../registry/tenant_operations.ts';
import type { AppRegistration, RegisterTenant } from '../../registry/tenant_request_types.ts';
import { fromCloud, toAppMessage } from '../messages/app_message_mapping.ts';
import { fromRegistrationCredential, toProbeMessage } from '../messages/credential_message_mapping.ts';
import { maskPaths } from '../messages/field_value_conversion.ts';
import { toNextStepsMessage } from '../messages/next_steps_message_mapping.ts';
import { pageFields, pageRequest } from '../messages/page_token.ts';
import { checkId, parseTenantName } from '../messages/resource_names.ts';
import { fromPolicyMessage } from '../messages/rotation_message_mapping.ts';
import { toTenantMessage } from '../messages/tenant_message_mapping.ts';
import type { Implementation } from '../pipeline/authenticated_service_adapter.ts';
import type { Authenticator } from '../pipeline/authenticator.ts';
import { affectedCallers } from './affected_callers.ts';

export function createTenantService({
  tenants,
  authenticator,
  clock,
}: {
  readonly tenants: Tenants;
  readonly authenticator: Pick<Authenticator, 'known'>;
  readonly clock: Clock;
}): Implementation<typeof TenantService> {
  return {
    async registerTenant(request) {
      const { tenant, app, probe, nextSteps } = await tenants.register(fromRegisterTenant(request));
      return {
        tenant: toTenantMessage(tenant),
        app: app && toAppMessage(app, clock.now()),
        credentialProbe: app && probe && toProbeMessage(app.app, probe),
        nextSteps: toNextStepsMessage(nextSteps),
      };
    },

    async getTenant(request) {
      return { tenant: toTenantMessage(await tenants.get(parseTenantName('name', request.name))) };
    },

    async listTenants(request, call) {
      const key = ['ListTenants'];
      const page = await tenants.list({
        page: pageRequest(request, key),
        tenantIds: call.tenants,
      });
      return { tenants: page.items.map(toTenantMessage), ...pageFields(page, key) };
    },

    async updateTenant(request) {
      const tenant = await tenants.update({
        tenantId: parseTenantName('tenant.name', request.tenant?.name ?? ''),
        etag: request.tenant?.etag ?? '',
        fields: {
          displayName: request.tenant?.displayName ?? '',
          labels: request.tenant?.labels ?? {},
          catalog: request.tenant?.catalog ?? '',
          allowedDirectoryIds: request.tenant?.allowedDirectoryIds ?? [],
          expiryThresholdsDays: request.tenant?.expiryThresholdsDays ?? [],
        },
        updateMask: maskPaths(request.updateMask),
      });
      return { tenant: toTenantMessage(tenant) };
    },

    async setAccessLabels(request, call) {
      const { tenant, before } = await tenants.setAccessLabels({ ...withEtag(request), labels: request.labels });
      const affected = affectedCallers(authenticator, { before, after: tenant.labels });
      call.affectedCallers = affected;
      return { tenant: toTenantMessage(tenant), affectedCallers: [...affected] };
    },

    async suspendTenant(request) {
      return { tenant: toTenantMessage(await tenants.suspend(withEtag(request))) };
    },

    async resumeTenant(request) {
      return { tenant: toTenantMessage(await tenants.resume(withEtag(request))) };
    },

    async deleteTenant(request) {
      await tenants.delete({ ...withEtag(request), force: request.force });
      return {};
    },
  };
}

function withEtag(request: { readonly name: string; readonly etag: string }) {
  return { tenantId: parseTenantName('name', request.name), etag: request.etag };
}

function fromRegisterTenant(request: RegisterTenantRequest): RegisterTenant {
  return {
    tenantId: checkId('tenant_id', request.tenantId),
    displayName: request.displayName,
    labels: request.labels,
    preset: request.preset,
    baseUrl: request.baseUrl,
    strategy: request.strategy,
    catalog: request.catalog,
    allowedDirectoryIds: request.allowedDirectoryIds,
    expiryThresholds: request.expiryThresholdsDays,
    app: request.app && fromAppRegistration(request.app),
    validateOnly: request.validateOnly,
  };
}

function fromAppRegistration(app: AppRegistrationMessage): AppRegistration {
  return {
    clientId: app.clientId,
    displayName: app.displayName,
    signInAudience: app.signInAudience,
    homeDirectoryId: app.homeDirectoryId,
    cloud: fromCloud('app.cloud', app.cloud),
    redirectUris: app.redirectUris,
    returnUrlPrefixes: app.returnUrlPrefixes,
    implicitPermissions: app.implicitPermissions,
    rotation: fromPolicyMessage('app.rotation', app.rotation),
    credential: fromRegistrationCredential(app),
  };
}
