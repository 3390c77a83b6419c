import type { Cloud } from '../model/entra_app.ts';
import type { PageRequest } from '../model/page.ts';
import type { Tenant } from '../model/tenant.ts';
import type { AccessLabels } from '../model/tenant_labels.ts';
import type { AppDetails } from './app_request_types.ts';
import type { NextSteps } from './app_setup_next_steps.ts';
import type { CredentialRequest } from './build_new_credential.ts';
import type { RotationRequest } from './check_rotation_and_home_directory.ts';
import type { ProbeReport } from './probe_app_credentials.ts';

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
  /** Undefined: the tenant uses apps that are shared with it. */
  readonly app: AppRegistration | undefined;
  readonly validateOnly: boolean;
}

/** `AppRegistration` on the wire: an app with the fields of its first credential. */
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
  /** Undefined: no automatic rotation. */
  readonly rotation: RotationRequest | undefined;
  /** `expireTime` is `app.secret_expire_time`. */
  readonly credential: CredentialRequest;
}

export interface RegisteredTenant {
  readonly tenant: Tenant;
  /** Undefined, like the probe, if the request has no app. */
  readonly app: AppDetails | undefined;
  readonly probe: ProbeReport | undefined;
  readonly nextSteps: NextSteps;
}

export interface ListTenants {
  readonly page: PageRequest;
  /** The tenants that the caller may see; undefined: all. */
  readonly tenantIds: readonly string[] | undefined;
}

export interface SetAccessLabels extends TenantWithEtag {
  readonly labels: AccessLabels;
}

export interface UpdateTenant extends TenantWithEtag {
  readonly fields: Pick<Tenant, 'displayName' | 'labels' | 'catalog' | 'allowedDirectoryIds'> & {
    /** `[]`: those of the vault's configuration. */
    readonly expiryThresholdsDays: readonly number[];
  };
  /** Paths as on the wire (`display_name`); undefined means the fields that are not empty. */
  readonly updateMask: readonly string[] | undefined;
}
