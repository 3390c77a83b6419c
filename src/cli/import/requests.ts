import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { CreateAppRequestSchema } from '../../gen/tokenvault/v1/app_service_pb.ts';
import {
  type ImportConnectionRequestSchema,
  ImportConnectionRequest_Verify as Verify,
} from '../../gen/tokenvault/v1/connection_service_pb.ts';
import type { RegisterTenantRequestSchema } from '../../gen/tokenvault/v1/tenant_service_pb.ts';
import type { AppSpec } from './app_spec.ts';
import { type Entry, nameOf } from './entry.ts';

/** The messages that an import sends: the one place where its secrets are revealed. */
export interface ImportWish {
  readonly verify: 'now' | 'on-first-use';
  readonly validateOnly: boolean;
}

export function importRequest(entry: Entry, wish: ImportWish): MessageInitShape<typeof ImportConnectionRequestSchema> {
  const { account } = entry;
  return {
    connection: nameOf(entry),
    app: entry.app ?? '',
    refreshToken: entry.refreshToken.reveal(),
    scopes: [...entry.scopes],
    externalId: entry.externalId ?? '',
    labels: entry.labels,
    ...(account === undefined ? {} : { account: withoutUndefined(account) }),
    verify: wish.verify === 'now' ? Verify.NOW : Verify.ON_FIRST_USE,
    validateOnly: wish.validateOnly,
  };
}

export function registerTenantRequest(
  wish: Omit<AppSpec, 'preset'> & { readonly preset: AppSpec['preset'] | '' },
  redirectUris: readonly string[],
  validateOnly: boolean,
): MessageInitShape<typeof RegisterTenantRequestSchema> {
  return {
    tenantId: wish.tenantId,
    preset: wish.preset,
    baseUrl: wish.baseUrl ?? '',
    strategy: wish.preset === '' ? '' : (wish.strategy ?? ''),
    app: {
      clientId: wish.clientId,
      cloud: wish.cloud,
      signInAudience: wish.signInAudience ?? '',
      redirectUris: [...redirectUris],
      implicitPermissions: [...wish.implicitPermissions],
      credential: { case: 'clientSecret', value: wish.clientSecret.reveal() },
      ...(wish.secretExpireTime === undefined ? {} : { secretExpireTime: timestampFromMs(wish.secretExpireTime) }),
    },
    validateOnly,
  };
}

/** Of one more app beside others: without a preset, so all that it would fill in is given. */
export function createAppRequest(
  wish: AppSpec,
  appId: string,
  redirectUris: readonly string[],
  validateOnly: boolean,
): MessageInitShape<typeof CreateAppRequestSchema> {
  return {
    parent: `tenants/${wish.tenantId}`,
    appId,
    app: {
      clientId: wish.clientId,
      cloud: wish.cloud,
      signInAudience: wish.signInAudience ?? '',
      catalog: 'microsoft',
      redirectUris: [...redirectUris],
      returnUrlPrefixes: wish.baseUrl === undefined ? [] : [`${wish.baseUrl}/`],
      implicitPermissions: [...wish.implicitPermissions],
    },
    credential: {
      material: { case: 'clientSecret', value: wish.clientSecret.reveal() },
      ...(wish.secretExpireTime === undefined ? {} : { expireTime: timestampFromMs(wish.secretExpireTime) }),
    },
    validateOnly,
  };
}

function withoutUndefined<Fields extends object>(
  fields: Fields,
): { [Name in keyof Fields]?: NonNullable<Fields[Name]> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}
