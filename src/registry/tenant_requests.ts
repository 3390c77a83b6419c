import type { Cloud } from '../model/app.ts';
import type { PageRequest } from '../model/page.ts';
import type { Tenant } from '../model/tenant.ts';
import type { AppDetails } from './app_requests.ts';
import type { CredentialRequest } from './new_credential.ts';
import type { NextSteps } from './next_steps.ts';
import type { ProbeReport } from './probe.ts';
import type { RotationRequest } from './rotation_policy.ts';

export interface TenantWithEtag {
  readonly tenantId: string;
  readonly etag: string;
}

export interface RegisterTenant {
  readonly tenantId: string;
  readonly displayName: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly preset: string;
  readonly baseUrl: string;
  readonly strategy: string;
  readonly catalog: string;
  readonly allowedDirectoryIds: readonly string[];
  readonly expiryThresholds: readonly number[];
  /** Undefined: the tenant connects through apps that are shared with it. */
  readonly app: AppRegistration | undefined;
  readonly validateOnly: boolean;
}

/** `AppRegistration` of the wire: an app with its first credential, flat. */
export interface AppRegistration {
  readonly clientId: string;
  readonly displayName: string;
  readonly signInAudience: string;
  readonly homeDirectoryId: string;
  /** Undefined: GLOBAL. */
  readonly cloud: Cloud | undefined;
  readonly redirectUris: readonly string[];
  readonly returnUrlPrefixes: readonly string[];
  readonly implicitPermissions: readonly string[];
  /** Undefined: the vault renews nothing by itself. */
  readonly rotation: RotationRequest | undefined;
  /** `expireTime` is `app.secret_expire_time`. */
  readonly credential: CredentialRequest;
}

export interface RegisteredTenant {
  readonly tenant: Tenant;
  /** Undefined, as the probe: none was given. */
  readonly app: AppDetails | undefined;
  readonly probe: ProbeReport | undefined;
  readonly nextSteps: NextSteps;
}

export interface ListTenants {
  readonly page: PageRequest;
  /** Whom the caller may see; undefined: all. */
  readonly tenantIds: readonly string[] | undefined;
}

export interface UpdateTenant extends TenantWithEtag {
  /** `expiryThresholds`: `[]` stands for those that the vault is configured with. */
  readonly fields: Pick<Tenant, 'displayName' | 'labels' | 'catalog' | 'allowedDirectoryIds'> & {
    readonly expiryThresholds: readonly number[];
  };
  /** Paths as on the wire (`display_name`); undefined: the fields that are not empty. */
  readonly updateMask: readonly string[] | undefined;
}
