import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { CreateAppRequestSchema } from '../../gen/tokenvault/v1/app_service_pb.ts';
import {
  type ImportConnectionRequestSchema,
  ImportConnectionRequest_Verify as Verify,
} from '../../gen/tokenvault/v1/connection_service_pb.ts';
import type { RegisterTenantRequestSchema } from '../../gen/tokenvault/v1/tenant_service_pb.ts';
import type { AppSpec } from './app_to_register.ts';
import { type Entry, nameOf } from './connection_to_import.ts';

/** The messages of an import, the only place that reveals its secrets. */
export function importRequest(
  entry: Entry,
  options: { readonly verify: 'now' | 'on-first-use'; readonly validateOnly: boolean },
): MessageInitShape<typeof ImportConnectionRequestSchema> {
  const { account } = entry;
  return {
    connection: nameOf(entry),
    app: entry.app ?? '',
    refreshToken: entry.refreshToken.reveal(),
    scopes: [...entry.scopes],
    externalId: entry.externalId ?? '',
    labels: entry.labels,
    ...(account === undefined ? {} : { account: withoutUndefined(account) }),
    verify: options.verify === 'now' ? Verify.NOW : Verify.ON_FIRST_USE,
    validateOnly: options.validateOnly,
  };
}

export function registerTenantRequest(
  spec: Omit<AppSpec, 'preset'> & { readonly preset: AppSpec['preset'] | '' },
  redirectUris: readonly string[],
  validateOnly: boolean,
): MessageInitShape<typeof RegisterTenantRequestSchema> {
  return {
    tenantId: spec.tenantId,
    preset: spec.preset,
    baseUrl: spec.baseUrl ?? '',
    strategy: spec.preset === '' ? '' : (spec.strategy ?? ''),
    app: {
      clientId: spec.clientId,
      cloud: spec.cloud,
      signInAudience: spec.signInAudience ?? '',
      redirectUris: [...redirectUris],
      implicitPermissions: [...spec.implicitPermissions],
      credential: { case: 'clientSecret', value: spec.clientSecret.reveal() },
      ...(spec.secretExpireTime === undefined ? {} : { secretExpireTime: timestampFromMs(spec.secretExpireTime) }),
    },
    validateOnly,
  };
}

/** For an additional app of the tenant. It has no preset, so its fields are complete. */
export function createAppRequest(
  spec: AppSpec,
  appId: string,
  redirectUris: readonly string[],
  validateOnly: boolean,
): MessageInitShape<typeof CreateAppRequestSchema> {
  return {
    parent: `tenants/${spec.tenantId}`,
    appId,
    app: {
      clientId: spec.clientId,
      cloud: spec.cloud,
      signInAudience: spec.signInAudience ?? '',
      catalog: 'microsoft',
      redirectUris: [...redirectUris],
      returnUrlPrefixes: spec.baseUrl === undefined ? [] : [`${spec.baseUrl}/`],
      implicitPermissions: [...spec.implicitPermissions],
    },
    credential: {
      material: { case: 'clientSecret', value: spec.clientSecret.reveal() },
      ...(spec.secretExpireTime === undefined ? {} : { expireTime: timestampFromMs(spec.secretExpireTime) }),
    },
    validateOnly,
  };
}

function withoutUndefined<Fields extends object>(
  fields: Fields,
): { [Name in keyof Fields]?: NonNullable<Fields[Name]> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}
